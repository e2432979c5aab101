import { useState, type ReactNode } from "react";
import { api } from "@/api/client";
import type { Session } from "@/api/types";
import { Act, ErrorNote, Form, Gate, Notice, SecretField, Text, TextField } from "@/ui";
import { t } from "@/words";

/** `used`: somebody came by the address of the first start, which has done its work. */
export function SignIn({ session, brand, used, onDone }: { session: Session; brand: ReactNode; used: boolean; onDone: (session: Session) => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const local = session.edition === "local_agent";
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      onDone(await api.post<Session>("/session", { sign_in: name.trim(), password }));
    } catch (problem) {
      setError(problem);
      setPassword("");
    } finally {
      setBusy(false);
    }
  };
  return (
    <Gate title={session.name || session.site?.name || t("sign_in.title")} brand={brand}>
      {used && <Notice tone="accent" id="sign-in-used">{t("sign_in.used")}</Notice>}
      <Form onSubmit={() => void submit()} id="sign-in">
        <TextField label={t(local ? "sign_in.name" : "sign_in.mail")} value={name} onChange={setName} id="sign-in-name" autoComplete="username" autoFocus required />
        <SecretField label={t("field.password")} value={password} onChange={setPassword} id="sign-in-password" autoComplete="current-password" required />
        <ErrorNote error={error} />
        <Act primary submit busy={busy} id="sign-in-submit" full>
          {t("action.sign_in")}
        </Act>
      </Form>
      <Text dim small>
        {t(local ? "edition.local_agent" : "edition.enterprise")} · {session.version}
      </Text>
    </Gate>
  );
}

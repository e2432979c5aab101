import { useState, type ReactNode } from "react";
import { api } from "@/api/client";
import type { Session } from "@/api/types";
import { Act, ErrorNote, Form, Gate, SecretField, Text, TextField } from "@/ui";
import { errorCode, errorText, t } from "@/words";

export function FirstRun({ session, code: given, brand, onDone, onTaken }: { session: Session; code: string; brand: ReactNode; onDone: (session: Session) => void; onTaken: () => void }) {
  const local = session.edition === "local_agent";
  // the code of the address is not shown; one that is not right is, to be typed again
  const [wrong, setWrong] = useState<unknown>(null);
  const [code, setCode] = useState(given);
  const [signIn, setSignIn] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async () => {
    setBusy(true);
    setError(null);
    setWrong(null);
    try {
      onDone(await api.post<Session>("/first-run", { code: code.trim(), sign_in: signIn.trim(), name: name.trim() || signIn.trim(), password }));
    } catch (problem) {
      const told = errorCode(problem);
      if (told === "first_run_done") onTaken();
      else if (told === "first_run_code") setWrong(problem);
      else setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const asked = !given || wrong !== null || code !== given;
  return (
    <Gate title={t("first_run.title")} brand={brand}>
      <Text dim>{t(local ? "first_run.text_local" : "first_run.text")}</Text>
      <Form onSubmit={() => void submit()} id="first-run">
        {asked && <TextField label={t("first_run.code")} hint={t("first_run.code_hint")} value={code} onChange={setCode} id="first-run-code" error={wrong ? errorText(wrong) : undefined} required autoFocus big />}
        <TextField label={t(local ? "sign_in.name" : "sign_in.mail")} hint={local ? t("first_run.sign_in_hint") : undefined} value={signIn} onChange={setSignIn} id="first-run-sign-in" autoComplete="username" required autoFocus={Boolean(given)} />
        <TextField label={t("first_run.name")} value={name} onChange={setName} id="first-run-name" autoComplete="name" required />
        <SecretField label={t("field.password")} hint={t("password.hint", { n: session.password_least })} value={password} onChange={setPassword} id="first-run-password" required />
        <ErrorNote error={error} />
        <Act primary submit busy={busy} id="first-run-submit" full>
          {t("first_run.act")}
        </Act>
      </Form>
    </Gate>
  );
}

import { useEffect, useState, type ReactNode } from "react";
import { api } from "@/api/client";
import type { Session } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, ErrorNote, Form, Gate, LinkButton, SecretField, Text } from "@/ui";
import { t } from "@/words";

/** The page of a link for a forgotten password. It signs nobody in. */
export function Reset({ session, token, brand, onClose }: { session: Session; token: string; brand: ReactNode; onClose: (done: boolean) => void }) {
  const [name, setName] = useState("");
  const [gone, setGone] = useState<unknown>(null);
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const { busy, error, run } = useCall<boolean>();
  useEffect(() => {
    api.post<{ sign_in: string }>("/password-resets/check", { token }).then((found) => setName(found.sign_in), setGone);
  }, [token]);
  const differ = again !== "" && again !== password;
  const submit = async () => {
    if (again !== password) return;
    const done = await run(async () => {
      await api.put("/password-resets", { token, password });
      return true;
    });
    if (done) onClose(true);
  };
  return (
    <Gate title={t("reset.title")} brand={brand}>
      <ErrorNote error={gone} id="reset-gone" />
      {name && (
        <Form onSubmit={() => void submit()} id="reset">
          <Text dim>{t("reset.for", { name })}</Text>
          <SecretField label={t("password.new")} hint={t("password.hint", { n: session.password_least })} value={password} onChange={setPassword} id="reset-password" required autoFocus />
          <SecretField label={t("password.again")} value={again} onChange={setAgain} id="reset-again" error={differ ? t("password.differ") : undefined} required />
          <ErrorNote error={error} />
          <Act primary submit busy={busy} disabled={differ} id="reset-submit" full>
            {t("reset.act")}
          </Act>
        </Form>
      )}
      <LinkButton onClick={() => onClose(false)} id="reset-back" roomy>
        {t("sign_in.back")}
      </LinkButton>
    </Gate>
  );
}

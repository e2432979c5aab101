import { useState, type ReactNode } from "react";
import { api } from "@/api/client";
import type { SecondAsked, Session } from "@/api/types";
import { useCall } from "@/live/call";
import { Act, Code, ErrorNote, Form, Gate, Line, LinkButton, Notice, SecretField, Text, TextField } from "@/ui";
import { errorCode, t } from "@/words";

interface Props {
  session: Session;
  brand: ReactNode;
  onDone: (session: Session) => void;
}

/** `used`: somebody came by the address of the first start, which has done its work. `reset`: a new password was just chosen. */
export function SignIn({ used, reset, ...props }: Props & { used: boolean; reset: boolean }) {
  const [asked, setAsked] = useState<SecondAsked | null>(null);
  const [lost, setLost] = useState<unknown>(null);
  const [forgot, setForgot] = useState(false);
  const back = (error: unknown) => {
    setAsked(null);
    setLost(error);
  };
  if (asked) return <SecondStep {...props} asked={asked} onBack={back} />;
  if (forgot) return <Forgot {...props} onBack={() => setForgot(false)} />;
  return <Password {...props} used={used} reset={reset} lost={lost} onAsked={setAsked} onForgot={() => setForgot(true)} />;
}

function Password({ session, brand, onDone, used, reset, lost, onAsked, onForgot }: Props & { used: boolean; reset: boolean; lost: unknown; onAsked: (asked: SecondAsked) => void; onForgot: () => void }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, run } = useCall<Session>();
  const local = session.edition === "local_agent";
  const submit = async () => {
    const answer = await run(() => api.post<Session>("/session", { sign_in: name.trim(), password }));
    if (!answer) setPassword("");
    else if (answer.second_factor) onAsked(answer.second_factor);
    else onDone(answer);
  };
  return (
    <Gate title={session.name || session.site?.name || t("sign_in.title")} brand={brand}>
      {used && <Notice tone="accent" id="sign-in-used">{t("sign_in.used")}</Notice>}
      {reset && <Notice tone="accent" id="sign-in-reset">{t("reset.done")}</Notice>}
      <Form onSubmit={() => void submit()} id="sign-in">
        <TextField label={t(local ? "sign_in.name" : "sign_in.mail")} value={name} onChange={setName} id="sign-in-name" autoComplete="username" autoFocus required />
        <SecretField label={t("field.password")} value={password} onChange={setPassword} id="sign-in-password" autoComplete="current-password" required />
        <ErrorNote error={error ?? lost} />
        <Act primary submit busy={busy} id="sign-in-submit" full>
          {t("action.sign_in")}
        </Act>
      </Form>
      <Line justify="between">
        <LinkButton onClick={onForgot} id="sign-in-forgot" roomy>
          {t("sign_in.forgot")}
        </LinkButton>
        <Text dim small>
          {t(local ? "edition.local_agent" : "edition.enterprise")} · {session.version}
        </Text>
      </Line>
    </Gate>
  );
}

function SecondStep({ brand, onDone, asked, onBack }: Props & { asked: SecondAsked; onBack: (error: unknown) => void }) {
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      onDone(await api.post<Session>("/session/second-factor", { ticket: asked.ticket, code }));
    } catch (problem) {
      if (errorCode(problem) === "ticket_gone") onBack(problem);
      else setError(problem);
      setCode("");
    } finally {
      setBusy(false);
    }
  };
  return (
    <Gate title={t("sign_in.second")} brand={brand}>
      <Text dim>{t("sign_in.code_text")}</Text>
      <Form onSubmit={() => void submit()} id="second-step">
        <TextField label={t("sign_in.code")} value={code} onChange={setCode} id="second-code" autoComplete="one-time-code" autoFocus required big />
        <ErrorNote error={error} />
        <Act primary submit busy={busy} id="second-submit" full>
          {t("action.sign_in")}
        </Act>
      </Form>
      <LinkButton onClick={() => onBack(null)} id="second-back" roomy>
        {t("sign_in.back")}
      </LinkButton>
    </Gate>
  );
}

function Forgot({ session, brand, onBack }: Props & { onBack: () => void }) {
  const [name, setName] = useState("");
  const [sent, setSent] = useState(false);
  const { busy, error, run } = useCall<boolean>();
  const submit = async () => {
    const done = await run(async () => {
      await api.post("/password-resets", { sign_in: name.trim() });
      return true;
    });
    setSent(Boolean(done));
  };
  return (
    <Gate title={t("forgot.title")} brand={brand}>
      {session.forgotten === "owner" && <Notice id="forgot-owner">{t("forgot.owner")}</Notice>}
      {session.forgotten === "command" && (
        <>
          <Text dim>{t("forgot.command")}</Text>
          <Code id="forgot-command" label={t("forgot.title")}>
            soundpost agent reset-password NAME
          </Code>
        </>
      )}
      {session.forgotten === "mail" && sent && <Notice tone="accent" id="forgot-sent">{t("forgot.sent")}</Notice>}
      {session.forgotten === "mail" && !sent && (
        <Form onSubmit={() => void submit()} id="forgot">
          <Text dim>{t("forgot.text")}</Text>
          <TextField label={t("sign_in.mail")} value={name} onChange={setName} id="forgot-name" autoComplete="username" autoFocus required />
          <ErrorNote error={error} />
          <Act primary submit busy={busy} id="forgot-submit" full>
            {t("forgot.act")}
          </Act>
        </Form>
      )}
      <LinkButton onClick={onBack} id="forgot-back" roomy>
        {t("sign_in.back")}
      </LinkButton>
    </Gate>
  );
}

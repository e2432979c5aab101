import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { api, ApiError } from "@/api/client";
import type { Invitation, OrganizationTerms, Session } from "@/api/types";
import { Act, At, ErrorNote, Facts, Form, Gate, Loading, Notice, roleName, SecretField, Text, TextField } from "@/ui";
import { errorCode, t, type Key } from "@/words";
import { Agreements } from "./agreements";
import { fits, strengthOf } from "./password";

interface Props {
  session: Session;
  token: string;
  brand: ReactNode;
  onDone: (session: Session) => void;
  onSignOut: () => Promise<void>;
  /** To the sign-in page, or on to the Dashboard. */
  onLeave: () => void;
}

/** Where an invitation leads: who invites, as what, and a password of one's own. */
export function Register(props: Props) {
  const { session, token, brand, onSignOut, onLeave } = props;
  const asked = useQuery({ queryKey: ["registration"], queryFn: () => api.get<Invitation>(`/registration/${encodeURIComponent(token)}`), enabled: token !== "", gcTime: 0, retry: 1, refetchOnWindowFocus: false });
  const title = t("register.title", { name: session.name || "Soundpost" });
  const leave = (
    <Act onClick={onLeave} id="register-leave">
      {t(session.person ? "notfound.action" : "register.to_sign_in")}
    </Act>
  );
  const gone = token === "" || (asked.error instanceof ApiError && asked.error.status === 404);
  if (gone)
    return (
      <Gate title={t("register.gone_title")} brand={brand}>
        <Text id="register-gone">{t(token === "" ? "register.again" : "register.gone")}</Text>
        {leave}
      </Gate>
    );
  if (asked.error)
    return (
      <Gate title={title} brand={brand}>
        <ErrorNote error={asked.error} onRetry={() => void asked.refetch()} />
      </Gate>
    );
  if (!asked.data)
    return (
      <Gate title={title} brand={brand}>
        <Loading rows={4} />
      </Gate>
    );
  if (session.person)
    return (
      <Gate title={title} brand={brand}>
        <Notice tone="degraded" id="register-signed-in">
          {t("register.signed_in", { person: session.person.name || session.person.sign_in, invited: asked.data.sign_in })}
        </Notice>
        <Act primary onClick={() => void onSignOut()} id="register-sign-out">
          {t("register.sign_out")}
        </Act>
        {leave}
      </Gate>
    );
  return (
    <Gate title={title} brand={brand}>
      <Join {...props} invitation={asked.data} onGone={() => void asked.refetch()} />
    </Gate>
  );
}

function Join({ session, token, invitation, onDone, onGone }: Props & { invitation: Invitation; onGone: () => void }) {
  const texts = useQuery({ queryKey: ["terms"], queryFn: () => api.get<OrganizationTerms>("/organization/terms"), retry: 1, refetchOnWindowFocus: false });
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [second, setSecond] = useState("");
  const [agreed, setAgreed] = useState({ terms: false, privacy: false });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const strength = strengthOf(password, invitation.sign_in, session.password_least);
  const differs = second !== "" && second !== password;
  const ready = fits(strength) && second === password && agreed.terms && agreed.privacy && !texts.isPending;
  const submit = async () => {
    if (!ready) return;
    setBusy(true);
    setError(null);
    try {
      onDone(await api.post<Session>(`/registration/${encodeURIComponent(token)}`, { name: name.trim(), password, terms: true, terms_revision: texts.data?.revision }));
    } catch (problem) {
      if (errorCode(problem) === "link_gone") onGone();
      if (errorCode(problem) === "terms_changed") {
        setAgreed({ terms: false, privacy: false });
        void texts.refetch();
      }
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Facts
        lines={[
          { name: t("field.invited_by"), value: invitation.invited_by || "–", id: "register-by" },
          { name: t("field.user"), value: invitation.sign_in, id: "register-sign-in" },
          { name: t("field.role"), value: roleName(invitation.role), note: t(`role_means.${invitation.role}` as Key), id: "register-role" },
          { name: t("field.link_until"), value: <At time={invitation.expires} /> },
          ...(invitation.ends ? [{ name: t("register.ends"), value: <At time={invitation.ends} />, id: "register-ends" }] : []),
        ]}
      />
      <Form onSubmit={() => void submit()} id="register">
        <TextField label={t("first_run.name")} value={name} onChange={setName} id="register-name" autoComplete="name" required autoFocus />
        <SecretField label={t("field.password")} hint={t(`password.${strength}`, { n: session.password_least })} value={password} onChange={setPassword} id="register-password" required />
        <SecretField label={t("register.second")} error={differs ? t("register.differs") : undefined} value={second} onChange={setSecond} id="register-second" required />
        {texts.error ? <ErrorNote error={texts.error} onRetry={() => void texts.refetch()} /> : <Agreements papers={texts.data} agreed={agreed} onAgree={setAgreed} />}
        <ErrorNote error={error} />
        <Act primary submit busy={busy} disabled={!ready} id="register-submit" full>
          {t("register.join")}
        </Act>
      </Form>
    </>
  );
}

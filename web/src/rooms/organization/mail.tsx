import { useState } from "react";
import { api } from "@/api/client";
import type { MailSettings, OrganizationSettings, Way } from "@/api/types";
import { useCall } from "@/live/call";
import { Choice, Confirm, Details, Facts, LongField, Notice, SecretField, Section, Stack, Text, TextField, Tick, Tool, ToolBar, Two } from "@/ui";
import { t } from "@/words";
import { Edit, TrialDialog, WayLine, type PartProps } from "./parts";

const PORTS: Record<string, string> = { starttls: "587", tls: "465", none: "25" };
const securityName = (security: string) => t(security === "starttls" ? "organization.starttls" : security === "tls" ? "organization.tls" : "organization.unsecured");

export function Mail({ settings, locked, onChanged, way, self }: PartProps & { way: Way; self: string }) {
  const [dialog, setDialog] = useState<"edit" | "test" | "remove" | null>(null);
  const mail = settings.mail;
  const close = () => setDialog(null);
  return (
    <Section title={t("organization.mail")} id="organization-mail">
      <ToolBar label={t("organization.mail")}>
        <Tool name={t(mail ? "action.change" : "organization.set_up")} onClick={() => setDialog("edit")} reason={locked} id="mail" />
        <Tool name={t("organization.test_mail")} onClick={() => setDialog("test")} reason={locked ?? (mail ? null : t("organization.no_mail"))} id="mail-test" />
        {mail && <Tool name={t("action.remove")} onClick={() => setDialog("remove")} reason={locked} id="mail-remove" danger />}
      </ToolBar>
      <WayLine way={way} channel="mail" />
      {mail && (
        <Facts
          lines={[
            { name: t("organization.server"), value: `${mail.server}:${mail.port}`, id: "mail-server" },
            { name: t("organization.security"), value: securityName(mail.security) },
            { name: t("organization.user"), value: mail.user || "–", note: mail.has_password ? t("organization.has_password") : undefined },
            { name: t("organization.from"), value: mail.from_name ? `${mail.from_name} <${mail.from_address}>` : mail.from_address },
            ...(mail.reply_to ? [{ name: t("organization.reply_to"), value: mail.reply_to }] : []),
          ]}
        />
      )}
      {mail?.security === "none" && (
        <Notice tone="degraded" id="mail-unsecured">
          <Text>{t("organization.unsecured_text")}</Text>
        </Notice>
      )}
      {dialog === "edit" && <EditMail mail={mail} onChanged={onChanged} onClose={close} />}
      {dialog === "test" && <TrialDialog channel="mail" to={self} onClose={close} />}
      {dialog === "remove" && <RemoveWay channel="mail" onChanged={onChanged} onClose={close} />}
    </Section>
  );
}

function EditMail({ mail, onChanged, onClose }: { mail: MailSettings | null; onChanged: (settings: OrganizationSettings) => void; onClose: () => void }) {
  const [said, setSaid] = useState({
    server: mail?.server ?? "",
    port: String(mail?.port ?? 587),
    security: mail?.security ?? "starttls",
    user: mail?.user ?? "",
    from_address: mail?.from_address ?? "",
    from_name: mail?.from_name ?? "",
    reply_to: mail?.reply_to ?? "",
    timeout_s: String(mail?.timeout_s ?? 30),
    ca_pem: mail?.ca_pem ?? "",
  });
  const [password, setPassword] = useState("");
  const [forget, setForget] = useState(false);
  const say = (field: keyof typeof said) => (text: string) => setSaid((old) => ({ ...old, [field]: text }));
  // a port nobody chose follows the security
  const secure = (security: string) => setSaid((old) => ({ ...old, security: security as MailSettings["security"], port: old.port === PORTS[old.security] ? PORTS[security]! : old.port, user: security === "none" ? "" : old.user }));
  const open = said.security === "none";
  const body = () => ({
    mail: { ...said, port: Number(said.port), timeout_s: Number(said.timeout_s), ...(open || forget ? { password: null } : password ? { password } : {}) },
  });
  return (
    <Edit title={t("organization.mail")} id="mail" wide body={body} onChanged={onChanged} onClose={onClose}>
      <TextField label={t("organization.server")} hint={t("organization.server_hint")} value={said.server} onChange={say("server")} id="mail-host" required autoFocus />
      <Two
        first={
          <Choice
            label={t("organization.security")}
            value={said.security}
            onChange={secure}
            options={["starttls", "tls", "none"].map((value) => ({ value, label: securityName(value) }))}
            id="mail-security"
          />
        }
        second={<TextField label={t("organization.port")} value={said.port} onChange={say("port")} id="mail-port" required />}
      />
      {open ? (
        <Notice tone="degraded">
          <Text>{t("organization.unsecured_text")}</Text>
        </Notice>
      ) : (
        <Stack gap={8}>
          <TextField label={t("organization.user")} hint={t("organization.user_hint")} value={said.user} onChange={say("user")} id="mail-user" />
          <SecretField label={t("field.password")} hint={mail?.has_password ? t("organization.password_kept") : undefined} value={password} onChange={setPassword} id="mail-password" autoComplete="off" disabled={forget} />
          {mail?.has_password && <Tick label={t("organization.forget_password")} checked={forget} onChange={setForget} id="mail-forget" />}
        </Stack>
      )}
      <TextField label={t("organization.from")} value={said.from_address} onChange={say("from_address")} id="mail-from" required />
      <TextField label={t("organization.from_name")} value={said.from_name} onChange={say("from_name")} id="mail-from-name" />
      <Details title={t("organization.more")} id="mail-more">
        <Stack gap={8}>
          <TextField label={t("organization.reply_to")} value={said.reply_to} onChange={say("reply_to")} id="mail-reply" />
          <TextField label={t("organization.timeout")} value={said.timeout_s} onChange={say("timeout_s")} id="mail-timeout" />
          <LongField label={t("organization.ca")} hint={t("organization.ca_hint")} value={said.ca_pem} onChange={say("ca_pem")} id="mail-ca" />
        </Stack>
      </Details>
    </Edit>
  );
}

/** Says what stays: messages wait, nothing is dropped. */
export function RemoveWay({ channel, onChanged, onClose }: { channel: "mail" | "sms"; onChanged: (settings: OrganizationSettings) => void; onClose: () => void }) {
  const { busy, error, run } = useCall<OrganizationSettings>();
  const act = async () => {
    const done = await run(() => api.patch<OrganizationSettings>("/organization", { [channel]: null }));
    if (!done) return;
    onChanged(done);
    onClose();
  };
  return (
    <Confirm title={t(channel === "mail" ? "organization.mail" : "organization.sms")} act={t("action.remove")} danger busy={busy} error={error} onAct={() => void act()} onClose={onClose} id={`remove-${channel}`}>
      <Text>{t("organization.remove_text")}</Text>
    </Confirm>
  );
}

import { useState } from "react";
import type { OrganizationSettings, SmsSettings, Way } from "@/api/types";
import { Choice, Facts, LongField, SecretField, Section, Text, TextField, Tick, Tool, ToolBar } from "@/ui";
import { t } from "@/words";
import { RemoveWay } from "./mail";
import { Edit, TrialDialog, WayLine, type PartProps } from "./parts";

const kindName = (kind: string) => t(kind === "twilio" ? "organization.gateway_form" : "organization.gateway_generic");

export function Sms({ settings, locked, onChanged, way }: PartProps & { way: Way }) {
  const [dialog, setDialog] = useState<"edit" | "test" | "remove" | null>(null);
  const sms = settings.sms;
  const close = () => setDialog(null);
  return (
    <Section title={t("organization.sms")} id="organization-sms">
      <ToolBar label={t("organization.sms")}>
        <Tool name={t(sms ? "action.change" : "organization.set_up")} onClick={() => setDialog("edit")} reason={locked} id="sms" />
        <Tool name={t("organization.test_sms")} onClick={() => setDialog("test")} reason={locked ?? (sms ? null : t("organization.no_sms"))} id="sms-test" />
        {sms && <Tool name={t("action.remove")} onClick={() => setDialog("remove")} reason={locked} id="sms-remove" danger />}
      </ToolBar>
      <WayLine way={way} channel="sms" />
      {sms && (
        <Facts
          lines={[
            { name: t("organization.gateway"), value: sms.url, note: kindName(sms.kind), id: "sms-gateway" },
            ...(sms.kind === "twilio"
              ? [
                  { name: t("organization.account"), value: sms.account, note: sms.has_secret ? t("organization.has_password") : undefined },
                  { name: t("organization.sender"), value: sms.sender },
                ]
              : []),
          ]}
        />
      )}
      {dialog === "edit" && <EditSms sms={sms} onChanged={onChanged} onClose={close} />}
      {dialog === "test" && <TrialDialog channel="sms" to="" onClose={close} />}
      {dialog === "remove" && <RemoveWay channel="sms" onChanged={onChanged} onClose={close} />}
    </Section>
  );
}

/** `Name: value` a line. */
export function headersOf(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.trim());
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(":");
      return at < 0 ? [line.trim(), ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
  );
}

function EditSms({ sms, onChanged, onClose }: { sms: SmsSettings | null; onChanged: (settings: OrganizationSettings) => void; onClose: () => void }) {
  const [said, setSaid] = useState({
    kind: sms?.kind ?? "twilio",
    url: sms?.url ?? "",
    account: sms?.account ?? "",
    sender: sms?.sender ?? "",
    method: sms?.method ?? "POST",
    body: sms?.body ?? "",
    ok_contains: sms?.ok_contains ?? "",
  });
  const [headers, setHeaders] = useState(
    Object.entries(sms?.headers ?? {})
      .map(([name, value]) => `${name}: ${value}`)
      .join("\n"),
  );
  const [secret, setSecret] = useState("");
  const [forget, setForget] = useState(false);
  const say = (field: keyof typeof said) => (text: string) => setSaid((old) => ({ ...old, [field]: text }));
  const generic = said.kind === "generic";
  const body = () => ({ sms: { ...said, ...(generic ? { headers: headersOf(headers) } : { headers: {}, body: "" }), ...(forget ? { secret: null } : secret ? { secret } : {}) } });
  return (
    <Edit title={t("organization.sms")} id="sms" wide body={body} onChanged={onChanged} onClose={onClose}>
      <Choice label={t("organization.gateway_kind")} value={said.kind} onChange={say("kind")} options={["twilio", "generic"].map((value) => ({ value, label: kindName(value) }))} id="sms-kind" />
      <TextField label={t("organization.gateway")} hint={t(generic ? "organization.gateway_hint_generic" : "organization.gateway_hint")} value={said.url} onChange={say("url")} id="sms-url" required autoFocus />
      {generic ? (
        <>
          <Choice label={t("organization.method")} value={said.method} onChange={say("method")} options={["POST", "PUT", "GET"].map((value) => ({ value, label: value }))} id="sms-method" />
          <LongField label={t("organization.headers")} hint={t("organization.headers_hint")} value={headers} onChange={setHeaders} id="sms-headers" />
          <LongField label={t("organization.body")} hint={t("organization.body_hint")} value={said.body} onChange={say("body")} id="sms-body" />
          <TextField label={t("organization.ok_contains")} hint={t("organization.ok_hint")} value={said.ok_contains} onChange={say("ok_contains")} id="sms-ok" />
        </>
      ) : (
        <>
          <TextField label={t("organization.account")} value={said.account} onChange={say("account")} id="sms-account" required />
          <TextField label={t("organization.sender")} hint={t("organization.sender_hint")} value={said.sender} onChange={say("sender")} id="sms-sender" required />
        </>
      )}
      <SecretField label={t(generic ? "organization.secret" : "organization.token")} hint={sms?.has_secret ? t("organization.password_kept") : undefined} value={secret} onChange={setSecret} id="sms-secret" autoComplete="off" disabled={forget} />
      {sms?.has_secret && <Tick label={t("organization.forget_password")} checked={forget} onChange={setForget} id="sms-forget" />}
      <Text dim small>
        {t("organization.sms_text")}
      </Text>
    </Edit>
  );
}

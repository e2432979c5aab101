import { useState } from "react";
import { api } from "@/api/client";
import { hinders, useMay, useSession } from "@/api/session";
import type { AuditStream, AuditStreamAdded, AuditStreamTrial } from "@/api/types";
import { useCall } from "@/live/call";
import { differing } from "@/live/edits";
import { useTurned } from "@/live/turns";
import { Act, Ago, At, Choice, Confirm, Details, Dialog, DialogFoot, Empty, ErrorNote, Facts, Form, IconButton, Line, Loading, LongField, Notice, Radios, Secret, SecretField, Section, Shape, Stack, Text, TextField, Tick, Tool, ToolBar, Two } from "@/ui";
import { t, type Key } from "@/words";

type Asked = { act: "add" } | { act: "change" | "remove" | "test"; stream: AuditStream };
const FACILITIES = ["user", "daemon", "auth", "authpriv", "audit", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];
const SHAPES = { works: "online", waiting: "degraded", down: "offline", off: "unknown" } as const;

/** To whom the audit is sent as it grows: an owner sets it, an administrator sees it. */
export function Streams() {
  const may = useMay("administer", true);
  const owns = useMay("own", true);
  const { session } = useSession();
  const { value, error, retry } = useTurned<{ items: AuditStream[] }>("streams", "/audit/streams", may);
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = () => setAsked(null);
  if (!may) return <Empty title={t(hinders(session, "administer") === "part" ? "tool.whole_sees" : "tool.not_allowed")} id="streams-not-allowed" />;
  if (!value) return error ? <ErrorNote error={error} onRetry={retry} /> : <Loading rows={4} />;
  const locked = owns ? null : t("organization.owners_only");
  return (
    <Stack gap={24}>
      <ErrorNote error={error} onRetry={retry} />
      <Section title={t("streams.title")} id="streams" end={<IconButton icon="plus" label={t("streams.add")} id="streams-add" reason={locked} onClick={() => setAsked({ act: "add" })} />}>
        <Stack gap={16}>
          <Text dim wrap>{t("streams.what")}</Text>
          {value.items.length === 0 && <Text id="streams-none">{t("streams.none")}</Text>}
        </Stack>
      </Section>
      {value.items.map((stream) => (
        <Section key={stream.id} title={stream.name} id={`stream-${stream.id}`}>
          <Stack gap={12}>
            <ToolBar label={stream.name}>
              <Tool name={t("action.change")} onClick={() => setAsked({ act: "change", stream })} reason={locked} id={`change-${stream.id}`} />
              <Tool name={t("streams.test")} onClick={() => setAsked({ act: "test", stream })} reason={locked} id={`test-${stream.id}`} />
              <Tool name={t("action.remove")} onClick={() => setAsked({ act: "remove", stream })} reason={locked} id={`remove-${stream.id}`} danger />
            </ToolBar>
            <State stream={stream} />
            <Facts
              lines={[
                { name: t("streams.where"), value: stream.where, note: t(`streams.kind_${stream.kind}` as Key) },
                { name: t("streams.upto"), value: stream.upto, note: stream.taken ? <Ago time={stream.taken} /> : undefined, id: `upto-${stream.id}` },
              ]}
            />
          </Stack>
        </Section>
      ))}
      {asked?.act === "add" && <Edit stream={null} onClose={close} />}
      {asked?.act === "change" && <Edit stream={asked.stream} onClose={close} />}
      {asked?.act === "test" && <Test stream={asked.stream} onClose={close} />}
      {asked?.act === "remove" && <Remove stream={asked.stream} onClose={close} />}
    </Stack>
  );
}

/** Whether it gets all, what waits, and the receiver's own words. */
function State({ stream }: { stream: AuditStream }) {
  return (
    <Stack gap={4}>
      <Line gap={8}>
        <Shape status={SHAPES[stream.state as keyof typeof SHAPES]} />
        <Text id={`state-${stream.id}`} wrap>
          {t(`streams.${stream.state}` as Key, { n: stream.waiting })}
          {stream.since && (
            <>
              {" "}
              {t("organization.since")} <At time={stream.since} />.
            </>
          )}
          {stream.next && (
            <>
              {" "}
              {t("external.next_try")} <At time={stream.next} />.
            </>
          )}
        </Text>
      </Line>
      {stream.words && (
        <Text mono small wrap id={`words-${stream.id}`}>
          {stream.words}
        </Text>
      )}
      {stream.state !== "works" && stream.waiting > 0 && <Text dim id={`waiting-${stream.id}`}>{t("streams.rows_wait", { n: stream.waiting })}</Text>}
    </Stack>
  );
}

function Edit({ stream, onClose }: { stream: AuditStream | null; onClose: () => void }) {
  const [said, setSaid] = useState({
    kind: stream?.kind ?? "syslog",
    name: stream?.name ?? "",
    host: stream?.host ?? "",
    port: stream?.port ? String(stream.port) : "",
    facility: stream?.facility ?? "audit",
    enterprise: String(stream?.enterprise ?? 32473),
    url: stream?.url ?? "",
    ca_pem: stream?.ca_pem ?? "",
    timeout_s: String(stream?.timeout_s ?? 10),
    start: "now",
  });
  const [ticks, setTicks] = useState({ enabled: stream?.enabled ?? true, tls: stream?.tls ?? true, confirm: stream?.confirm ?? true });
  const [secret, setSecret] = useState("");
  const { busy, error, result, run } = useCall<AuditStream | AuditStreamAdded>();
  const say = (field: keyof typeof said) => (text: string) => setSaid((old) => ({ ...old, [field]: text }));
  const tick = (field: keyof typeof ticks) => (on: boolean) => setTicks((old) => ({ ...old, [field]: on }));
  const syslog = said.kind === "syslog";
  const body = () => ({
    name: said.name,
    enabled: ticks.enabled,
    ca_pem: said.ca_pem,
    timeout_s: Number(said.timeout_s),
    ...(syslog ? { host: said.host.trim(), port: Number(said.port || 0), facility: said.facility, enterprise: Number(said.enterprise), tls: ticks.tls, confirm: ticks.confirm } : { url: said.url.trim(), ...(secret ? { secret } : {}) }),
    ...(stream ? {} : { kind: said.kind, start: said.start }),
  });
  const [first] = useState(body);
  const save = async () => {
    const done = await run(() => (stream ? api.patch<AuditStream>(`/audit/streams/${stream.id}`, differing(first, body())) : api.post<AuditStreamAdded>("/audit/streams", body())));
    if (done && !("secret" in done && done.secret)) onClose();
  };
  const made = result && "secret" in result ? result.secret : null;
  if (made)
    return (
      <Dialog title={t("streams.secret")} onClose={onClose} id="dialog-stream-secret" stays>
        <Stack gap={12}>
          <Text wrap>{t("streams.secret_text")}</Text>
          <Secret text={made} id="stream-secret" label={t("streams.secret")} />
          <DialogFoot>
            <Act primary onClick={onClose} id="stream-secret-done">
              {t("action.close")}
            </Act>
          </DialogFoot>
        </Stack>
      </Dialog>
    );
  return (
    <Dialog title={t(stream ? "streams.change" : "streams.add")} onClose={onClose} id="dialog-stream" wide>
      <Form onSubmit={() => void save()}>
        {!stream && <Radios label={t("streams.kind")} value={said.kind} onChange={say("kind")} options={["syslog", "webhook"].map((value) => ({ value, label: t(`streams.kind_${value}` as Key) }))} id="stream-kind" />}
        <TextField label={t("field.name")} value={said.name} onChange={say("name")} id="stream-name" />
        {syslog ? (
          <>
            <Two
              first={<TextField label={t("organization.server")} value={said.host} onChange={say("host")} id="stream-host" required />}
              second={<TextField label={t("organization.port")} value={said.port} onChange={say("port")} id="stream-port" placeholder={ticks.tls ? "6514" : "601"} />}
            />
            <Tick label={t("streams.tls")} checked={ticks.tls} onChange={tick("tls")} id="stream-tls" />
            <Tick label={t("streams.confirm")} checked={ticks.confirm} onChange={tick("confirm")} id="stream-confirm" />
          </>
        ) : (
          <>
            <TextField label={t("streams.url")} value={said.url} onChange={say("url")} id="stream-url" required placeholder="https://" />
            <SecretField label={t("streams.secret")} hint={t(stream ? "streams.secret_kept" : "streams.secret_hint")} value={secret} onChange={setSecret} id="stream-own-secret" autoComplete="off" />
          </>
        )}
        {!stream && <Radios label={t("streams.start")} value={said.start} onChange={say("start")} options={["now", "beginning"].map((value) => ({ value, label: t(`streams.start_${value}` as Key) }))} id="stream-start" />}
        {stream && <Tick label={t("streams.enabled")} checked={ticks.enabled} onChange={tick("enabled")} id="stream-enabled" />}
        <Details title={t("organization.more")} id="stream-more">
          <Stack gap={8}>
            {syslog && <Choice label={t("streams.facility")} value={said.facility} onChange={say("facility")} options={FACILITIES.map((value) => ({ value, label: value }))} id="stream-facility" />}
            {syslog && <TextField label={t("streams.enterprise")} hint={t("streams.enterprise_hint")} value={said.enterprise} onChange={say("enterprise")} id="stream-enterprise" />}
            <TextField label={t("organization.timeout")} value={said.timeout_s} onChange={say("timeout_s")} id="stream-timeout" />
            <LongField label={t("organization.ca")} hint={t("organization.ca_hint")} value={said.ca_pem} onChange={say("ca_pem")} id="stream-ca" />
          </Stack>
        </Details>
        <ErrorNote error={error} saving />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} id="stream-save">
            {t("action.save")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

function Test({ stream, onClose }: { stream: AuditStream; onClose: () => void }) {
  const { busy, error, result, run } = useCall<AuditStreamTrial>();
  return (
    <Dialog title={t("streams.test")} onClose={onClose} id="dialog-stream-test">
      <Stack gap={12}>
        <Text wrap>{t("streams.test_text", { where: stream.where })}</Text>
        <ErrorNote error={error} />
        {result && !error && (
          <Notice tone={result.ok ? "accent" : "offline"} icon={result.ok ? "check" : undefined} id="stream-test-result">
            <Text wrap>
              {t(result.ok ? "streams.test_taken" : "streams.test_refused")} {result.text}
            </Text>
          </Notice>
        )}
        <DialogFoot>
          <Act onClick={onClose}>{t("action.close")}</Act>
          <Act primary busy={busy} onClick={() => void run(() => api.post<AuditStreamTrial>(`/audit/streams/${stream.id}/test`))} id="stream-test-send">
            {t("organization.send")}
          </Act>
        </DialogFoot>
      </Stack>
    </Dialog>
  );
}

function Remove({ stream, onClose }: { stream: AuditStream; onClose: () => void }) {
  const { busy, error, run } = useCall<boolean>();
  const act = async () => {
    if (await run(async () => (await api.delete(`/audit/streams/${stream.id}`), true))) onClose();
  };
  return (
    <Confirm title={t("streams.remove", { name: stream.name })} act={t("action.remove")} danger busy={busy} error={error} onAct={() => void act()} onClose={onClose} id="stream-remove">
      <Text wrap>{t("streams.remove_text", { n: stream.waiting })}</Text>
    </Confirm>
  );
}

import { useState } from "react";
import { api } from "@/api/client";
import type { ExternalHub, HubCheck } from "@/api/types";
import { useExternal } from "@/live/hooks";
import { useWhyNot } from "@/live/may";
import { Act, Ago, At, Confirm, Dialog, DialogFoot, ErrorNote, Facts, Fingerprint, Form, Line, Loading, Notice, SecretField, Section, Shape, Stack, Text, TextField, Tick } from "@/ui";
import { reasonText, t } from "@/words";

export function External() {
  const { value: hub, error } = useExternal();
  const why = useWhyNot("own", true);
  const [dialog, setDialog] = useState<"configure" | "remove" | null>(null);
  if (error) return <ErrorNote error={error} />;
  if (!hub) return <Loading rows={4} />;
  return (
    <Stack gap={24}>
      <Section
        title={t("external.connect")}
        id="external"
        end={
          <Line gap={8}>
            {hub.configured && (
              <Act small reason={why} onClick={() => setDialog("remove")} id="external-remove">
                {t("external.disconnect")}
              </Act>
            )}
            <Act small primary={!hub.configured} reason={why} onClick={() => setDialog("configure")} id="external-configure">
              {t("external.configure")}
            </Act>
          </Line>
        }
      >
        {hub.configured ? <State hub={hub} why={why} /> : <Text dim>{t("external.none")}</Text>}
      </Section>
      {dialog === "configure" && <Configure hub={hub} onClose={() => setDialog(null)} />}
      {dialog === "remove" && <Disconnect onClose={() => setDialog(null)} />}
    </Stack>
  );
}

function State({ hub, why }: { hub: ExternalHub; why: string | null }) {
  const [error, setError] = useState<unknown>(null);
  const again = async () => {
    setError(null);
    try {
      await api.post("/external/hub/try");
    } catch (problem) {
      setError(problem);
    }
  };
  const address = (hub.url ?? "").replace(/^wss?:\/\//, "").replace(/\/.*$/, "");
  return (
    <Stack gap={12}>
      <Line gap={8}>
        <Shape status={hub.state === "connected" ? "online" : hub.state === "refused" ? "offline" : hub.state === "failing" ? "degraded" : "unknown"} />
        <Text id="external-status">
          {hub.state === "connected" ? (
            <>
              {t("external.connected", { hub: address, name: hub.name ?? "" })} <At time={hub.since} /> · {t("external.reported", { n: hub.devices_reported ?? 0 })} · {t("external.confirmed")} <Ago time={hub.last_confirmed} />
            </>
          ) : hub.state === "connecting" ? (
            t("external.connecting", { hub: address })
          ) : (
            <>
              {hub.reason ? reasonText(hub.reason) : t("external.failing", { hub: address })}
              {hub.next_try && (
                <>
                  {" "}
                  {t("external.next_try")} <At time={hub.next_try} />
                </>
              )}
            </>
          )}
        </Text>
        {hub.state !== "connected" && (
          <Act small reason={why} onClick={() => void again()} id="external-try">
            {t("action.try_now")}
          </Act>
        )}
      </Line>
      <ErrorNote error={error} />
      <Facts
        lines={[
          { name: t("external.url"), value: hub.url ?? "–" },
          { name: t("field.name"), value: hub.name ?? "–" },
          { name: t("field.waiting"), value: hub.waiting ?? 0 },
          {
            name: t("external.fingerprint"),
            value: hub.fingerprint ? <Fingerprint text={hub.fingerprint} id="external-fingerprint" /> : "–",
          },
        ]}
      />
    </Stack>
  );
}

/** Save asks the address who answers there, shows the fingerprint to compare, and only then sends name and password. */
function Configure({ hub, onClose }: { hub: ExternalHub; onClose: () => void }) {
  const [url, setUrl] = useState(hub.url ?? "");
  const [name, setName] = useState(hub.name ?? "");
  const [password, setPassword] = useState("");
  const [check, setCheck] = useState<HubCheck | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const guard = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const [ticked, setTicked] = useState(false);
  const back = () => {
    setCheck(null);
    setTicked(false);
    setError(null);
  };
  const look = () => guard(async () => setCheck(await api.post<HubCheck>("/external/hub/check", { url: url.trim() })));
  const save = () =>
    guard(async () => {
      await api.put("/external/hub", { url: url.trim(), name: name.trim(), password, fingerprint: check!.fingerprint });
      onClose();
    });
  return (
    <Dialog title={t("external.title")} onClose={onClose} id="dialog-external">
      {check ? (
        <Stack gap={12}>
          <Facts
            lines={[
              { name: t("external.answers"), value: check.name || check.url, id: "check-name" },
              { name: t("external.url"), value: check.url },
            ]}
          />
          <Vouched check={check} />
          {check.trusted === "none" && <Tick id="check-unencrypted" label={t("external.none_tick")} checked={ticked} onChange={setTicked} />}
          <ErrorNote error={error} />
          <DialogFoot
            start={
              <Act onClick={back} id="check-back">
                {t("action.back")}
              </Act>
            }
          >
            <Act primary busy={busy} disabled={check.trusted === "none" && !ticked} onClick={() => void save()} id="check-confirm">
              {t(check.trusted === "own_ca" ? "external.same" : "external.connect_act")}
            </Act>
          </DialogFoot>
        </Stack>
      ) : (
        <Form onSubmit={() => void look()} id="external-form">
          <TextField label={t("external.url")} hint={t("external.url_hint")} value={url} onChange={setUrl} id="external-url" required autoFocus />
          <Section title={t("external.authentication")}>
            <Stack gap={12}>
              <TextField label={t("field.name")} value={name} onChange={setName} id="external-name" required />
              <SecretField label={t("field.password")} value={password} onChange={setPassword} id="external-password" autoComplete="off" required />
            </Stack>
          </Section>
          <ErrorNote error={error} />
          <DialogFoot>
            <Act onClick={onClose} id="external-cancel">
              {t("action.cancel")}
            </Act>
            <Act primary submit busy={busy} id="external-save">
              {t("action.save")}
            </Act>
          </DialogFoot>
        </Form>
      )}
    </Dialog>
  );
}

const VOUCHED = { public: "external.public", own_ca: "external.compare", none: "external.none_text" } as const;

/** Who says that it is the right hub: a public authority, the person who compares, or nobody at all. */
function Vouched({ check }: { check: HubCheck }) {
  return (
    <Notice tone={check.trusted === "public" ? undefined : check.trusted === "none" ? "offline" : "degraded"} id="check-trust">
      <Stack gap={8}>
        <Text>{t(VOUCHED[check.trusted])}</Text>
        {check.fingerprint && <Fingerprint text={check.fingerprint} id="check-fingerprint" />}
      </Stack>
    </Notice>
  );
}

function Disconnect({ onClose }: { onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = async () => {
    setBusy(true);
    try {
      await api.delete("/external/hub");
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Confirm title={t("external.disconnect_title")} act={t("external.disconnect")} danger id="disconnect" busy={busy} error={error} onClose={onClose} onAct={() => void act()}>
      <Text>{t("external.disconnect_text")}</Text>
    </Confirm>
  );
}

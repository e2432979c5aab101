import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { Agent, SiteRow } from "@/api/types";
import { useCall } from "@/live/call";
import { useEdits } from "@/live/edits";
import { Act, Choice, Clashes, Confirm, Dialog, DialogFoot, ErrorNote, Form, Line, Notice, RowMenu, Secret, SecretField, Stack, Steps, Text, TextField, useGo } from "@/ui";
import { t } from "@/words";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;

/** Where servers dial in: the name the hub was given, else the name this page was opened by, with the port for servers. */
function useDoor(): { address: string; elsewhere: boolean } {
  const { session } = useSession();
  const { agents } = session;
  if (agents?.url) return { address: agents.url.replace(/^wss?:\/\//, "").replace(/\/.*$/, ""), elsewhere: true };
  const port = agents?.port ?? (Number(location.port) || 8443);
  return { address: `${location.hostname}:${port}`, elsewhere: !LOOPBACK.test(location.hostname) };
}

/** What to do at the site, in three steps, and what to type there. */
export function ThreeSteps({ name }: { name: string }) {
  const { address, elsewhere } = useDoor();
  return (
    <Stack gap={12}>
      <Steps>
        <li>{t("steps.one")}</li>
        <li>
          <span>
            {t("steps.two")} <Text strong>{t("steps.path", { settings: t("nav.settings"), services: t("settings.external"), connect: t("external.title"), configure: t("external.configure") })}</Text>
          </span>
        </li>
        <li>{t("steps.three", { name })}</li>
      </Steps>
      <Stack gap={4}>
        <Text dim>{t("external.url")}</Text>
        <Secret text={address} id="result-address" label={t("external.url")} />
        {!elsewhere && <Text small dim>{t("steps.loopback", { address })}</Text>}
      </Stack>
    </Stack>
  );
}

function Shown({ name, password, onClose }: { name: string; password: string; onClose: () => void }) {
  return (
    <Stack gap={12}>
      <Notice tone="degraded">{t("server.note_password")}</Notice>
      <Stack gap={4}>
        <Text dim>{t("field.name")}</Text>
        <Secret text={name} id="result-name" label={t("field.name")} />
      </Stack>
      <Stack gap={4}>
        <Text dim>{t("field.password")}</Text>
        <Secret text={password} id="result-password" label={t("field.password")} />
      </Stack>
      <ThreeSteps name={name} />
      <DialogFoot>
        <Act primary onClick={onClose} id="result-done">
          {t("action.noted")}
        </Act>
      </DialogFoot>
    </Stack>
  );
}

const ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

function generate(): string {
  const bytes = crypto.getRandomValues(new Uint32Array(20));
  const letters = [...bytes].map((n) => ALPHABET[n % ALPHABET.length]);
  return [0, 5, 10, 15].map((from) => letters.slice(from, from + 5).join("")).join("-");
}

export function AddServer({ onClose }: { onClose: () => void }) {
  const sites = useQuery({ queryKey: ["sites"], queryFn: () => api.get<{ items: SiteRow[] }>("/sites"), staleTime: 0 });
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [site, setSite] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [result, setResult] = useState<{ name: string; password: string } | null>(null);
  const free = (sites.data?.items ?? []).filter((each) => !each.agent);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      const body = { name: name.trim(), ...(password ? { password } : {}), ...(site ? { site } : {}) };
      setResult(await api.post<{ name: string; password: string }>("/agents", body));
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={result ? t("servers.added", { name: result.name }) : t("servers.add")} onClose={onClose} id="dialog-add-server" wide={Boolean(result)} stays={Boolean(result)}>
      {result ? (
        <Shown name={result.name} password={result.password} onClose={onClose} />
      ) : (
        <Form onSubmit={() => void submit()} id="add-server-form">
          <TextField label={t("field.name")} hint={t("server.name_hint")} value={name} onChange={setName} id="add-server-name" required autoFocus />
          <SecretField label={t("field.password")} hint={t("server.password_hint")} value={password} onChange={setPassword} id="add-server-password" />
          <Line>
            <Act small onClick={() => setPassword(generate())} id="add-server-generate">
              {t("action.generate")}
            </Act>
          </Line>
          <Choice label={t("field.site")} id="add-server-site" value={site} onChange={setSite} options={[{ value: "", label: t("server.new_site") }, ...free.map((each) => ({ value: each.id, label: t("server.take_over", { name: each.name }) }))]} />
          <ErrorNote error={error} />
          <DialogFoot>
            <Act onClick={onClose} id="add-server-cancel">
              {t("action.cancel")}
            </Act>
            <Act primary submit busy={busy} id="add-server-submit">
              {t("action.add")}
            </Act>
          </DialogFoot>
        </Form>
      )}
    </Dialog>
  );
}

type Act_ = "rename" | "password" | "hand-over" | "delete";

/** `why`: why the reader may not; the entries stay and say so. */
export function ServerMenu({ agent, why }: { agent: Agent; why: string | null }) {
  const [act, setAct] = useState<Act_ | null>(null);
  const close = () => setAct(null);
  return (
    <>
      <RowMenu
        id={`agent-menu-${agent.id}`}
        label={t("server.menu", { name: agent.name })}
        entries={[
          { label: t("server.rename"), onClick: () => setAct("rename"), id: "agent-rename", reason: why },
          { label: t("server.new_password"), onClick: () => setAct("password"), id: "agent-password", reason: why },
          { label: t("server.hand_over"), onClick: () => setAct("hand-over"), id: "agent-hand-over", reason: why },
          { label: t("action.delete"), onClick: () => setAct("delete"), id: "agent-delete", reason: why, danger: true },
        ]}
      />
      {act && <ServerDialog act={act} agent={agent} onClose={close} />}
    </>
  );
}

export function ServerDialog({ act, agent, onClose }: { act: Act_; agent: Agent; onClose: () => void }) {
  if (act === "rename") return <Rename agent={agent} onClose={onClose} />;
  if (act === "delete") return <Delete agent={agent} onClose={onClose} />;
  return <NewPassword agent={agent} over={act === "hand-over"} onClose={onClose} />;
}

function Rename({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const edits = useEdits({ name: agent.name });
  const { busy, error, run } = useCall<Agent | null>();
  const submit = async () => {
    const done = await run(async () => {
      const fresh = await api.get<Agent>(`/agents/${agent.id}`);
      const changes = edits.check({ name: fresh.name });
      return changes?.name === undefined ? changes && fresh : api.patch<Agent>(`/agents/${agent.id}`, { name: changes.name.trim() });
    });
    if (done) onClose();
  };
  return (
    <Dialog title={t("server.rename")} onClose={onClose} id="dialog-rename">
      <Form onSubmit={() => void submit()}>
        <TextField label={t("field.name")} hint={t("server.name_hint")} value={edits.values.name} onChange={(name) => edits.say("name", name)} id="rename-name" required autoFocus />
        <Clashes clashes={edits.clashes} name={() => t("field.name")} onSettle={edits.settle} />
        <ErrorNote error={error} />
        <DialogFoot>
          <Act onClick={onClose}>{t("action.cancel")}</Act>
          <Act primary submit busy={busy} reason={edits.clashes.length > 0 ? t("clash.first") : null} id="rename-submit">
            {t("server.rename")}
          </Act>
        </DialogFoot>
      </Form>
    </Dialog>
  );
}

function NewPassword({ agent, over, onClose }: { agent: Agent; over: boolean; onClose: () => void }) {
  const { busy, error, result, run } = useCall<{ password: string }>();
  const title = t(over ? "server.hand_over" : "server.new_password");
  if (result)
    return (
      <Dialog title={`${title}: ${agent.name}`} onClose={onClose} id={`dialog-${over ? "hand-over" : "password"}`} wide stays>
        <Shown name={agent.name} password={result.password} onClose={onClose} />
      </Dialog>
    );
  return (
    <Confirm
      title={`${title}: ${agent.name}`}
      act={title}
      danger={over}
      id={over ? "hand-over" : "password"}
      busy={busy}
      error={error}
      onClose={onClose}
      onAct={() => void run(() => api.post<{ password: string }>(`/agents/${agent.id}/${over ? "hand-over" : "password"}`))}
    >
      <Text>{t(over ? "server.hand_over_text" : "server.new_password_text", { name: agent.name })}</Text>
    </Confirm>
  );
}

function Delete({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const { busy, error, run } = useCall<boolean>();
  const go = useGo();
  const submit = async () => {
    const done = await run(async () => {
      await api.delete(`/agents/${agent.id}`);
      return true;
    });
    if (!done) return;
    onClose();
    go("/servers");
  };
  return (
    <Confirm title={t("server.delete_title", { name: agent.name })} act={t("action.delete")} danger id="delete" busy={busy} error={error} onClose={onClose} onAct={() => void submit()}>
      <Text>{t("server.delete_text", { name: agent.name })}</Text>
      <Text>{t("server.delete_stays", { site: agent.site.name })}</Text>
    </Confirm>
  );
}


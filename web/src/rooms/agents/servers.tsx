import { useMemo } from "react";
import { useSession } from "@/api/session";
import type { Agent } from "@/api/types";
import { useAgents, useRow } from "@/live/hooks";
import { useWhyNever, useWhyNot } from "@/live/may";
import { useViews } from "@/live/views";
import { Act, AgentMark, Ago, Empty, ErrorNote, FilterChip, Filters, Fingerprint, Go, Grow, IconButton, Lasting, Line, Loading, LocalTime, Notice, Page, Stack, StatusCounts, Table, Text, Two, useFilter, useGo, ViewsMenu, type Column, type Entry } from "@/ui";
import { format, locale, reasonText, t, type Key } from "@/words";
import { AddServer, ServerMenu } from "./dialogs";
import { ServerPage } from "./server";

type Row = Agent & { at: number };
const STATES = ["refused", "held_twice", "lost", "awaited", "never", "connected"] as const;
const RANK: Record<string, number> = { refused: 0, held_twice: 0, lost: 1, awaited: 2, never: 3, connected: 4 };

export function deviceCount(agent: Agent): number {
  return Object.values(agent.devices ?? {}).reduce((n, each) => n + (each ?? 0), 0);
}

export function causeOfAgent(agent: Agent): string {
  if (agent.reason) return reasonText(agent.reason);
  if (agent.state === "never") return agent.added_by ? t("server.added_by", { person: agent.added_by }) : t("server.never_text");
  if (agent.state === "lost") return t("server.lost_text");
  if (agent.state === "awaited") return t("server.awaited_text");
  return "";
}

export function Servers() {
  const { session } = useSession();
  const agents = useAgents();
  // a Local Agent knows one server: itself
  const only = session.edition === "local_agent" && agents.rows.size === 1 ? [...agents.rows.keys()][0]! : null;
  if (only) return <ServerPage id={only} />;
  return <ServerList />;
}

function ServerList() {
  const { session } = useSession();
  const why = useWhyNot("administer", true);
  const never = useWhyNever("administer", true);
  const agents = useAgents();
  const go = useGo();
  const [filter, setFilter] = useFilter();
  const local = session.edition === "local_agent";
  const add = filter.add === "1";
  const states = filter.state ? filter.state.split(",") : null;
  const rows = [...agents.rows.values()].filter((agent) => !states || states.includes(agent.state)).sort((a, b) => (RANK[a.state] ?? 1) - (RANK[b.state] ?? 1) || a.name.localeCompare(b.name));
  const views = useViews("/servers", ["state"], filter, setFilter);
  const keys = rows.map((agent) => agent.id).join();
  const entries = useMemo<Entry[]>(() => keys.split(",").filter(Boolean).map((id) => ({ key: id, id })), [keys]);
  const columns = useMemo<Column<Row>[]>(
    () => [
      {
        id: "status",
        name: t("field.status"),
        width: "minmax(160px, 1.1fr)",
        cell: (agent) => (
          <AgentMark state={agent.state} id={agent.id}>
            <Lasting since={agent.since} />
          </AgentMark>
        ),
      },
      { id: "name", name: t("field.name"), width: "minmax(150px, 2fr)", cell: (agent) => <NameCell agent={agent} /> },
      { id: "site", name: t("field.site"), width: "minmax(90px, 0.8fr)", cell: (agent) => <Two first={agent.site.name} second={<LocalTime zone={agent.site.zone} />} /> },
      { id: "devices", name: t("field.devices"), width: "minmax(150px, 1.1fr)", free: true, cell: (agent) => <DevicesCell agent={agent} /> },
      { id: "subnets", name: t("field.subnets"), width: "54px", end: true, from: 1360, cell: (agent) => agent.subnets.length },
      { id: "confirmed", name: t("field.last_confirmed"), width: "minmax(96px, 0.7fr)", cell: (agent) => <Ago time={agent.last_confirmed} /> },
      { id: "waiting", name: t("field.waiting_short"), width: "54px", end: true, from: 1240, cell: (agent) => (agent.state === "never" ? <Text dim>–</Text> : format.number(locale(), agent.waiting)) },
      { id: "version", name: t("field.version"), width: "50px", from: 1240, cell: (agent) => agent.version || <Text dim>–</Text> },
      { id: "clock", name: t("field.clock"), width: "60px", end: true, from: 1240, cell: (agent) => <Clock agent={agent} /> },
      { id: "disk", name: t("field.disk"), width: "66px", end: true, from: 1360, cell: (agent) => (agent.disk_free_percent === null ? <Text dim>–</Text> : t("server.free", { n: Math.round(agent.disk_free_percent) })) },
      { id: "menu", name: "", width: "36px", free: true, cell: (agent) => <ServerMenu agent={agent} why={why} /> },
    ],
    [why],
  );
  const useItem = (id: string) => useRow(agents, id);
  const connected = [...agents.rows.values()].filter((agent) => agent.state === "connected").length;
  const devices = [...agents.rows.values()].reduce((n, agent) => n + deviceCount(agent), 0);
  return (
    <Page
      title={t("nav.servers")}
      aside={
        agents.ready && (
          <Text dim id="servers-head">
            {[views.current?.name, t("servers.head", { n: agents.rows.size, connected, devices })].filter(Boolean).join(" · ")}
          </Text>
        )
      }
      tools={!local && <IconButton icon="plus" label={t("servers.add")} id="add-server" reason={why} onClick={() => setFilter({ add: "1" })} />}
    >
      {session.fingerprint && <HubFingerprint text={session.fingerprint} />}
      {agents.rows.size > 0 && (
        <Filters>
          <FilterChip id="filter-state" name={t("field.status")} values={states ?? []} onChange={(v) => setFilter({ state: v.join() })} options={STATES.map((state) => ({ value: state, text: t(`agent.${state}` as Key), label: <AgentMark state={state} /> }))} />
          <ViewsMenu {...views} />
        </Filters>
      )}
      {agents.error ? (
        <ErrorNote error={agents.error} />
      ) : !agents.ready ? (
        <Loading rows={4} />
      ) : rows.length === 0 ? (
        agents.rows.size > 0 ? (
          <Empty title={t("servers.no_match")} action={<Act onClick={() => setFilter({ state: "" })}>{t("filter.clear")}</Act>} />
        ) : (
        <Empty
          title={t("servers.empty")}
          action={
            !local ? (
              <Act primary reason={why} onClick={() => setFilter({ add: "1" })} id="empty-add-server">
                {t("servers.add")}
              </Act>
            ) : undefined
          }
        >
          {t("servers.empty_text")}
        </Empty>
        )
      ) : (
        <Table<Row>
          label={t("nav.servers")}
          entries={entries}
          own={filter.state ?? ""}
          columns={columns}
          useItem={useItem}
          name={(agent) => agent.name}
          rowId={(id) => `agent-row-${id}`}
          tall={44}
          onOpen={(id) => go(`/servers/${id}`)}
          phone={(agent) => (
            <>
              <Grow>
                <Two
                  first={
                    <Go to={`/servers/${agent.id}`}>
                      <Text strong>{agent.name}</Text> <Text dim>{t("count.devices", { n: deviceCount(agent) })}</Text>
                    </Go>
                  }
                  second={
                    <>
                      <Line>
                        <AgentMark state={agent.state}>
                          <Lasting since={agent.since} />
                        </AgentMark>
                      </Line>
                      {causeOfAgent(agent)}
                    </>
                  }
                />
              </Grow>
              <ServerMenu agent={agent} why={why} />
            </>
          )}
        />
      )}
      {add && never === null && <AddServer onClose={() => setFilter({ add: "" })} />}
    </Page>
  );
}

function HubFingerprint({ text }: { text: string }) {
  return (
    <Notice>
      <Stack gap={4}>
        <Text dim>{t("servers.fingerprint")}</Text>
        <Fingerprint text={text} id="hub-fingerprint" />
      </Stack>
    </Notice>
  );
}

function NameCell({ agent }: { agent: Row }) {
  const cause = agent.state === "connected" ? agent.address || "" : causeOfAgent(agent);
  const name = (
    <Go to={`/servers/${agent.id}`} id={`open-${agent.id}`}>
      <Text strong>{agent.name}</Text>
    </Go>
  );
  return cause ? <Two first={name} second={<Text title={cause}>{cause}</Text>} /> : name;
}

function DevicesCell({ agent }: { agent: Row }) {
  const n = deviceCount(agent);
  if (n === 0) return <Text dim>–</Text>;
  return (
    <Line gap={12} keep>
      <Go to={`/devices/pro-audio?site=${agent.site.id}`} label={`${t("count.devices", { n })}, ${agent.name}`}>
        {n}
      </Go>
      <StatusCounts compact past={agent.state === "awaited"} counts={agent.devices} door={(status, body) => <Go to={`/devices/pro-audio?kind=mixer,microphone,expander&site=${agent.site.id}&status=${status}`}>{body}</Go>} />
    </Line>
  );
}

export function Clock({ agent }: { agent: Agent }) {
  if (agent.clock_offset_s === null || agent.clock_offset_s === undefined) return <Text dim>–</Text>;
  const off = Math.abs(agent.clock_offset_s);
  const sign = agent.clock_offset_s < 0 ? "−" : "+";
  return <Text tone={off > 60 ? "degraded" : undefined}>{`${sign}${off > 120 ? format.span(locale(), off) : `${format.number(locale(), off, 1)} s`}`}</Text>;
}


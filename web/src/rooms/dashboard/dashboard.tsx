import { useState } from "react";
import { useAgents, useFacts, useRow, useSummary } from "@/live/hooks";
import { useNames } from "@/live/known";
import { usePlaceLines, usePlaces, type PlacesStore } from "@/live/places";
import { useErrand } from "@/live/send";
import { useSpecial } from "@/live/standing";
import type { Agent, Counts, Need, Status, Summary } from "@/api/types";
import { AgentMark, Ago, At, Empty, ErrorNote, Figure, Figures, Go, Grow, Halves, Lasting, Loading, LocalTime, Page, PlaceTree, RowLine, RowMenu, Rows, Section, SendSheet, Sentence, Shape, SimpleTable, StatusCounts, StatusMark, Td, Text, Two, useGo } from "@/ui";
import { reasonText, t } from "@/words";
import { factText, foldFacts } from "@/live/facts";

const sum = (counts: Counts | undefined) => Object.values(counts ?? {}).reduce((n, each) => n + (each ?? 0), 0);
const add = (...all: (Counts | undefined)[]): Counts => {
  const total: Counts = {};
  for (const counts of all) for (const [status, n] of Object.entries(counts ?? {})) total[status as Status] = (total[status as Status] ?? 0) + (n ?? 0);
  return total;
};
const PERIPHERALS = ["microphone", "expander"];

/** One sentence: how many devices need somebody, and how many servers are in contact. */
function sentence(summary: Summary): string {
  const devices = add(...Object.values(summary.kinds));
  const bad = (devices.offline ?? 0) + (devices.degraded ?? 0);
  const total = sum(devices);
  const servers = Object.values(summary.agents).reduce((n, each) => n + (each ?? 0), 0);
  const awaited = summary.agents.awaited ?? 0;
  const connected = [t("dashboard.servers", { n: servers, connected: summary.agents.connected ?? 0 }), awaited > 0 ? t("dashboard.awaited", { n: awaited }) : ""].filter(Boolean).join(" ");
  if (total === 0) return `${t("dashboard.no_devices")} ${connected}`;
  const unknown = devices.unknown ?? 0;
  const restarting = devices.restarting ?? 0;
  const first = bad > 0 ? t("dashboard.need_you", { n: bad, total }) : unknown + restarting > 0 ? t("dashboard.none_failed") : t("dashboard.all_well", { n: total });
  return [first, unknown > 0 ? t("dashboard.unknown", { n: unknown }) : "", restarting > 0 ? t("dashboard.restarting", { n: restarting }) : "", connected].filter(Boolean).join(" ");
}

function Kind({ name, kind, counts, id }: { name: string; kind: string; counts: Counts; id: string }) {
  return (
    <Figure name={name} id={`count-${id}`} value={<Go to={`/devices/pro-audio?kind=${kind}`}>{sum(counts)}</Go>}>
      <StatusCounts
        counts={counts}
        door={(status, body) => (
          <Go to={`/devices/pro-audio?kind=${kind}&status=${status}`} id={`count-${id}-${status}`}>
            {body}
          </Go>
        )}
      />
    </Figure>
  );
}

export function Dashboard() {
  const { value, error } = useSummary();
  const agents = useAgents();
  const places = usePlaces();
  if (error) return <ErrorNote error={error} />;
  if (!value)
    return (
      <Page title={t("nav.dashboard")}>
        <Loading rows={8} />
      </Page>
    );
  const found = Object.entries(value.found).filter(([, n]) => n > 0);
  const others = Object.keys(value.kinds).filter((kind) => kind !== "mixer" && kind !== "stack" && !PERIPHERALS.includes(kind) && sum(value.kinds[kind]) > 0);
  const empty = sum(add(...Object.values(value.kinds))) === 0;
  return (
    <Page title={t("nav.dashboard")}>
      <Sentence id="dashboard-sentence">{sentence(value)}</Sentence>
      {value.needs.length > 0 && (
        <Section title={t("dashboard.needs")} id="needs">
          <Rows>
            {value.needs.map((need, index) => (
              <NeedLine key={`${need.target}-${index}`} need={need} id={`need-${index}`} />
            ))}
          </Rows>
        </Section>
      )}
      {empty ? (
        <Empty title={t("devices.empty")} action={<Go accent to="/servers">{t("devices.empty_action")}</Go>}>
          {t("dashboard.empty_text")}
        </Empty>
      ) : (
        <Figures>
          <Kind name={t("kind.stacks")} kind="stack" counts={value.stacks} id="stack" />
          <Kind name={t("kind.mixers")} kind="mixer" counts={value.kinds.mixer ?? {}} id="mixer" />
          <Kind name={t("kind.peripherals")} kind={PERIPHERALS.join(",")} counts={add(...PERIPHERALS.map((kind) => value.kinds[kind]))} id="peripheral" />
          {others.map((kind) => (
            <Kind key={kind} name={t(kind === "codec" ? "kind.codecs" : "kind.others")} kind={kind} counts={value.kinds[kind]!} id={kind} />
          ))}
        </Figures>
      )}
      {places.order.length > 0 && <Places store={places} />}
      <Section title={t("dashboard.sites")} count={value.sites} id="sites">
        {!agents.ready ? <Loading rows={3} /> : agents.rows.size === 0 ? <Empty title={t("servers.empty")} action={<Go accent to="/servers">{t("servers.add")}</Go>} /> : <Sites agents={[...agents.rows.values()]} />}
      </Section>
      <Halves>
        <Section title={t("dashboard.todo")} id="todo">
          {found.length === 0 && places.unplaced === 0 ? (
            <Text dim>{t("dashboard.todo_none")}</Text>
          ) : (
            <Rows>
              {found.map(([code, n]) => (
                <RowLine key={code} end={<Go accent to="/devices/pro-audio?found=1" id={`todo-${code}`}>{t("action.show")}</Go>}>
                  <Grow>{foundName(code)}</Grow>
                  <Text strong>{n}</Text>
                </RowLine>
              ))}
              {places.unplaced > 0 && (
                <RowLine end={<Go accent to="/devices/pro-audio?location=none" id="todo-no_location">{t("action.show")}</Go>}>
                  <Grow>{t("dashboard.no_location")}</Grow>
                  <Text strong>{places.unplaced}</Text>
                </RowLine>
              )}
            </Rows>
          )}
        </Section>
        <Recent />
      </Halves>
      <Text dim small>
        {t("dashboard.as_of")} <At time={value.as_of} />
      </Text>
    </Page>
  );
}

/** The worst opens by itself; the whole of it is a click away. */
function Places({ store }: { store: PlacesStore }) {
  const go = useGo();
  const [sending, setSending] = useState("");
  const { lines, toggle, own } = usePlaceLines(store);
  const useItem = (id: string) => useRow(store, id);
  return (
    <Section title={t("dashboard.places")} count={store.order.length} id="places" end={<Go accent to="/locations">{t("action.open")}</Go>}>
      <PlaceTree compact label={t("dashboard.places")} lines={lines} useItem={useItem} onToggle={toggle} onOpen={(id) => go(`/locations/${id}`)} own={own} menu={(place) => <RowMenu id={`place-menu-${place.id}`} label={t("server.menu", { name: place.name })} entries={[{ label: t("place.send"), onClick: () => setSending(place.id), id: "place-send" }]} />} />
      {sending && <Send place={sending} onClose={() => setSending("")} />}
    </Section>
  );
}

function Send({ place, onClose }: { place: string; onClose: () => void }) {
  const errand = useErrand(place);
  return errand && <SendSheet errand={errand} onClose={onClose} />;
}

function NeedLine({ need, id }: { need: Need; id: string }) {
  const device = need.target.startsWith("/devices/") ? need.target.slice("/devices/".length) : "";
  // a restart that somebody asked is under way, and nothing to run to
  const { restart } = useSpecial({ id: device, stack: null, status: need.status, since: need.since, reason: null });
  return (
    <RowLine
      id={id}
      end={
        <Go accent to={need.target} label={`${t("action.open")}: ${needTitle(need)}`} id={`${id}-open`}>
          {t("action.open")}
        </Go>
      }
    >
      <Shape status={restart ? "degraded" : need.status} />
      <Grow>
        <Two
          first={
            <>
              <Text strong>{needTitle(need)}</Text> <Text dim>{[need.where, need.devices > 1 ? t("count.devices", { n: need.devices }) : ""].filter(Boolean).join(" · ")}</Text>
            </>
          }
          second={restart ? [t("status.restarting"), restart.person ? t("restart.by", { person: restart.person }) : ""].filter(Boolean).join(", ") : needText(need)}
        />
      </Grow>
      <Lasting since={need.since} />
    </RowLine>
  );
}

/** A server may be called like its site, and a device like both: it says which it is. */
function needTitle(need: Need): string {
  return need.target.startsWith("/servers/") ? t("dashboard.server", { name: need.title }) : need.title;
}

/** The hub's own sentence in English, the same by its code in the other languages. */
function needText(need: Need): string {
  return reasonText({ code: need.code ?? "", params: need.params, text: need.text });
}

function foundName(code: string): string {
  const names: Record<string, string> = { sign_in_refused: t("found.sign_in_refused"), duplicate_serial: t("found.duplicate_serial"), not_known: t("found.not_known"), asks: t("found.asks") };
  return names[code] ?? code;
}

function Sites({ agents }: { agents: Agent[] }) {
  const order: Status[] = ["offline", "degraded", "unknown", "online"];
  const worst = (counts: Counts) => order.find((status) => (counts[status] ?? 0) > 0);
  const rank = (agent: Agent) => {
    const status = worst(agent.devices);
    return status ? order.indexOf(status) : 4;
  };
  const sorted = [...agents].sort((a, b) => rank(a) - rank(b) || a.site.name.localeCompare(b.site.name));
  const cell = (agent: Agent, status: Status) => {
    const n = agent.devices[status] ?? 0;
    return n === 0 ? (
      <Text dim>–</Text>
    ) : (
      <Go to={`/devices/pro-audio?kind=mixer,microphone,expander&site=${agent.site.id}&status=${status}`} label={`${n} ${t(`status.${status}`)}, ${agent.site.name}`}>
        <Text tone={agent.state === "awaited" ? "unknown" : status}>{n}</Text>
      </Go>
    );
  };
  return (
    <SimpleTable label={t("dashboard.sites")} head={[t("field.site"), t("field.local_time"), t("field.devices"), t("field.worst"), t("status.offline"), t("status.degraded"), t("status.unknown"), t("field.server")]} numbers={[2, 4, 5, 6]}>
      {sorted.map((agent) => {
        const bad = worst(agent.devices);
        return (
          <tr key={agent.id} data-testid={`site-row-${agent.site.id}`}>
            <Td>
              <Go to={`/devices/pro-audio?site=${agent.site.id}`}>
                <Text strong>{agent.site.name}</Text>
              </Go>
            </Td>
            <Td>
              <LocalTime zone={agent.site.zone} />
            </Td>
            <Td number>
              <Go to={`/devices/pro-audio?site=${agent.site.id}`} label={`${t("count.devices", { n: sum(agent.devices) })}, ${agent.site.name}`}>{sum(agent.devices)}</Go>
            </Td>
            <Td>{bad ? <StatusMark status={bad} stale={agent.state === "awaited"} /> : <Text dim>–</Text>}</Td>
            <Td number>{cell(agent, "offline")}</Td>
            <Td number>{cell(agent, "degraded")}</Td>
            <Td number>{cell(agent, "unknown")}</Td>
            <Td>
              <Go to={`/servers/${agent.id}`}>
                <AgentMark state={agent.state}>
                  <Text dim>{agent.name}</Text>
                </AgentMark>
              </Go>
            </Td>
          </tr>
        );
      })}
    </SimpleTable>
  );
}

function Recent() {
  const { items, ready, error, retry } = useFacts({}, 40);
  const names = useNames(items.flatMap((fact) => (fact.device ? [fact.device] : [])));
  return (
    <Section title={t("dashboard.recent")} id="recent">
      <ErrorNote error={error} onRetry={retry} />
      {!ready ? (
        !error && <Loading rows={4} />
      ) : items.length === 0 ? (
        <Text dim>{t("events.none")}</Text>
      ) : (
        <Rows>
          {foldFacts(items).slice(0, 12).map((fact) => (
            <RowLine key={fact.id} end={<Ago time={fact.time} />}>
              <Grow>{fact.device ? <Go to={`/devices/${fact.device}`}>{factText(fact, { device: names.get(fact.device) })}</Go> : <Text>{factText(fact)}</Text>}</Grow>
            </RowLine>
          ))}
        </Rows>
      )}
    </Section>
  );
}

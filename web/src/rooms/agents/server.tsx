import { useState } from "react";
import { api } from "@/api/client";
import { useSession } from "@/api/session";
import type { AgentDetail, Scan } from "@/api/types";
import { useAgent, useFacts } from "@/live/hooks";
import { useNames } from "@/live/known";
import { useWhyNot } from "@/live/may";
import { factText, foldFacts } from "@/live/facts";
import { AgentMark, Ago, At, Empty, ErrorNote, Facts, Fingerprint, Go, Grow, Halves, Lasting, Loading, LocalTime, Notice, Page, RowLine, Rows, Section, SimpleTable, Stack, StatusCounts, Tag, Td, Text, Tool, ToolBar, usePathId } from "@/ui";
import { errorText, format, locale, maybe, t } from "@/words";
import { ServerDialog, ThreeSteps } from "./dialogs";
import { causeOfAgent, Clock, deviceCount } from "./servers";

type Row = AgentDetail & { at: number };

export function ServerPath() {
  return <ServerPage id={usePathId()} />;
}

export function ServerPage({ id }: { id: string }) {
  const { value: agent, error, gone } = useAgent(id);
  if (error || gone)
    return (
      <Empty title={t("server.missing")} action={<Go accent to="/servers">{t("nav.servers")}</Go>} id="server-missing">
        {error ? errorText(error) : t("server.gone_text")}
      </Empty>
    );
  if (!agent) return <Loading rows={10} />;
  return <Known agent={agent} />;
}

function Known({ agent }: { agent: Row }) {
  const why = useWhyNot("administer", true);
  const { session } = useSession();
  const local = session.edition === "local_agent";
  const n = deviceCount(agent);
  const [act, setAct] = useState<"rename" | "password" | "hand-over" | "delete" | null>(null);
  return (
    <Page
      mark={
        <AgentMark state={agent.state} id={agent.id}>
          <Lasting since={agent.since} />
        </AgentMark>
      }
      title={agent.name}
      aside={
        <Text dim>
          {agent.site.name} · <LocalTime zone={agent.site.zone} />
        </Text>
      }
    >
      <Stack gap={12}>
        {agent.state !== "connected" && <Trouble agent={agent} />}
        <ToolBar label={t("server.menu", { name: agent.name })}>
          <ScanNow agent={agent} why={why} />
          {!local && (
            <>
              <Tool id="rename" name={t("server.rename")} reason={why} onClick={() => setAct("rename")} />
              <Tool id="new-password" name={t("server.new_password")} reason={why} onClick={() => setAct("password")} />
              <Tool id="hand-over" name={t("server.hand_over")} reason={why} onClick={() => setAct("hand-over")} />
              <Tool id="delete" name={t("action.delete")} danger reason={why} onClick={() => setAct("delete")} />
            </>
          )}
        </ToolBar>
      </Stack>
      {act && <ServerDialog act={act} agent={agent} onClose={() => setAct(null)} />}
      <Section title={t("field.devices")} count={n} end={<Go accent to={`/devices/pro-audio?site=${agent.site.id}`} id="server-devices">{t("action.show")}</Go>}>
        <StatusCounts past={agent.state === "awaited"} counts={agent.devices} door={(status, body) => <Go to={`/devices/pro-audio?kind=mixer,microphone,expander&site=${agent.site.id}&status=${status}`}>{body}</Go>} />
      </Section>
      <Section title={t("server.scans")} id="scans">
        {agent.scans.length === 0 ? <Text dim>{t(session.limited ? "tool.whole_sees" : "server.no_scans")}</Text> : <Scans scans={agent.scans} site={agent.site.id} />}
      </Section>
      <Halves>
        <Connection agent={agent} />
        <Section title={t("settings.credentials")} count={agent.credential_sets.length} id="credentials" end={local ? <Go accent to="/settings/credentials">{t("action.change")}</Go> : undefined}>
          {agent.credential_sets.length === 0 ? (
            <Text dim>{t(session.limited ? "tool.whole_sees" : "credentials.none")}</Text>
          ) : (
            <Rows>
              {agent.credential_sets.map((set, index) => (
                <RowLine key={set.id} end={<Text dim>{set.subnets.includes("*") ? t("credentials.everywhere") : set.subnets.join(", ")}</Text>}>
                  <Text dim>{index + 1}</Text>
                  <Grow>
                    <Text mono>{set.user}</Text>
                  </Grow>
                </RowLine>
              ))}
            </Rows>
          )}
          {agent.ceiling && (
            <Text dim small id="server-ceiling">
              {t("ceiling.at_site")}: {t(`ceiling.${agent.ceiling}`)}
            </Text>
          )}
          <Text dim small>
            {t("discovery.policy")}: {t(agent.policy === "ask" ? "discovery.ask" : "discovery.list")}
          </Text>
        </Section>
      </Halves>
      <Recent site={agent.site.id} />
    </Page>
  );
}

function Trouble({ agent }: { agent: Row }) {
  const remedy = maybe(`remedy.agent_${agent.state}`, "", { address: location.host });
  return (
    <Notice tone={agent.state === "refused" || agent.state === "held_twice" ? "offline" : undefined} id="server-cause">
      <Stack gap={8}>
        <Text strong>{causeOfAgent(agent)}</Text>
        {agent.state === "never" ? <ThreeSteps name={agent.name} /> : remedy && <Text>{remedy}</Text>}
      </Stack>
    </Notice>
  );
}

function ScanNow({ agent, why }: { agent: Row; why: string | null }) {
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState(0);
  const running = agent.scans.some((scan) => scan.running);
  const waiting = !running && asked > 0 && !agent.scans.some((scan) => scan.started && Date.parse(scan.started) > asked - 2_000);
  const scan = async () => {
    setError(null);
    setAsked(Date.now());
    try {
      await api.post(`/agents/${agent.id}/scan`);
    } catch (problem) {
      setAsked(0);
      setError(problem);
    }
  };
  return (
    <>
      <Tool id="scan" icon="refresh" name={running ? t("server.scanning") : t("server.scan_now")} asked={waiting} reason={why ?? (agent.state === "awaited" ? t("tool.server_awaited") : agent.state !== "connected" ? t("tool.server_lost") : null)} onClick={() => void scan()} />
      <ErrorNote error={error} />
    </>
  );
}

function Scans({ scans, site }: { scans: Scan[]; site: string }) {
  return (
    <SimpleTable label={t("server.scans")} head={[t("field.interface"), t("field.range"), t("field.asked"), t("field.found"), t("field.refused"), t("field.last"), t("field.next")]} numbers={[2, 3, 4]}>
      {scans.map((scan) => (
        <tr key={`${scan.interface}-${scan.range}`} data-testid={`scan-${scan.range}`}>
          <Td>{scan.interface || "–"}</Td>
          <Td>
            <Text mono>{scan.range}</Text>
          </Td>
          {scan.swept ? (
            <>
              <Td number>{scan.running ? t("server.of", { n: scan.asked, total: scan.total }) : format.number(locale(), scan.asked)}</Td>
              <Td number>
                <Go to={`/devices/pro-audio?site=${site}`}>{format.number(locale(), scan.found)}</Go>
              </Td>
              <Td number>{scan.refused > 0 ? <Go to={`/devices/pro-audio?site=${site}&found=1`}>{format.number(locale(), scan.refused)}</Go> : 0}</Td>
              <Td>{scan.running ? <Tag accent>{t("server.scanning")}</Tag> : <Ago time={scan.ended} />}</Td>
              <Td>{scan.next ? <At time={scan.next} /> : "–"}</Td>
            </>
          ) : (
            <td colSpan={5}>
              <Text dim>
                {scan.note_code || scan.note ? maybe(`note.${scan.note_code}`, scan.note ?? "") : t("server.not_swept")}
              </Text>
            </td>
          )}
        </tr>
      ))}
    </SimpleTable>
  );
}

function Connection({ agent }: { agent: Row }) {
  const none = <Text dim>–</Text>;
  return (
    <Section title={t("server.connection")} id="connection">
      <Facts
        lines={[
          { name: t("field.address"), value: agent.address || none },
          { name: t("field.last_confirmed"), value: <Ago time={agent.last_confirmed} /> },
          { name: t("field.delay"), value: agent.delay_ms === null ? none : `${format.number(locale(), agent.delay_ms)} ms` },
          { name: t("field.waiting"), value: format.number(locale(), agent.waiting), note: agent.dropped > 0 ? t("server.dropped", { n: agent.dropped }) : undefined },
          { name: t("field.clock"), value: <Clock agent={agent} />, note: Math.abs(agent.clock_offset_s ?? 0) > 60 ? t("server.clock_note") : undefined },
          { name: t("field.disk"), value: agent.disk_free_percent === null ? none : t("server.free", { n: Math.round(agent.disk_free_percent) }) },
          { name: t("field.version"), value: agent.version || none, note: agent.level === null ? undefined : t("server.level", { n: agent.level }) },
          {
            name: t("field.key"),
            value: agent.fingerprint ? <Fingerprint text={agent.fingerprint} id="agent-fingerprint" /> : none,
          },
          { name: t("field.added"), value: agent.added ? <At time={agent.added} /> : none, note: agent.added_by ?? undefined },
        ]}
      />
    </Section>
  );
}

function Recent({ site }: { site: string }) {
  const { items, error, retry } = useFacts({ site }, 40);
  const names = useNames(items.flatMap((fact) => (fact.device ? [fact.device] : [])));
  if (items.length === 0 && !error) return null;
  return (
    <Section title={t("dashboard.recent")}>
      <ErrorNote error={error} onRetry={retry} />
      <Rows>
        {foldFacts(items).slice(0, 15).map((fact) => (
          <RowLine key={fact.id} end={<Ago time={fact.time} />}>
            <Grow>{fact.device ? <Go to={`/devices/${fact.device}`}>{factText(fact, { device: names.get(fact.device) })}</Go> : factText(fact)}</Grow>
          </RowLine>
        ))}
      </Rows>
    </Section>
  );
}

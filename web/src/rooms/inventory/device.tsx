import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api } from "@/api/client";
import type { Command, Device, Period, Point } from "@/api/types";
import { commands, ended, useAsked } from "@/live/commands";
import { factText, foldFacts } from "@/live/facts";
import { useDevice, useDevices, useFacts } from "@/live/hooks";
import { outcomeOf, verb } from "@/live/outcome";
import { useSpecial } from "@/live/standing";
import { Age, Ago, At, AtPlace, Code, CopyButton, Details, Empty, ErrorNote, Facts, Go, Grow, Halves, Lasting, Line, LinkButton, Loading, Notice, Outcome, Page, RowLine, Rows, Section, Stack, Strip, Tag, Text, Two, Whole, useNow, usePathId, type FactLine } from "@/ui";
import { errorText, maybe, reasonText, t, type Key } from "@/words";
import { Evidence, Legend, supportText } from "./evidence";
import { LivePoints } from "./live-points";
import { PutDialog } from "./put";
import { AwaitedNote, DeviceStatus, HandsOffNote, RestartNote } from "./special";
import { DeviceTools } from "./tools";
import { Transcript } from "./transcript";
import { useWhyNotPut } from "./why-put";
import { causeOf, kindName, nameOf, placeOf } from "./words";

type Row = Device & { at: number };

export function DevicePage() {
  const id = usePathId();
  const store = useDevice(id);
  const { device } = store.state;
  const stackId = device ? (device.stack ?? (device.kind === "stack" ? device.id : null)) : null;
  const family = useDevices(stackId ? `stack=${stackId}` : null);
  const lead = useDevice(stackId && stackId !== id ? stackId : null);
  const nested = useMemo(() => {
    const map = new Map<string, Device[]>();
    for (const each of family.rows.values()) {
      const above = each.parent ?? each.stack;
      if (above) map.set(above, [...(map.get(above) ?? []), each].sort((a, b) => a.box_number - b.box_number || a.position - b.position));
    }
    return map;
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [family, family.version]);

  if (store.error)
    return (
      <Empty title={t("device.missing")} action={<Go accent to="/devices/pro-audio">{t("nav.pro_audio")}</Go>} id="device-missing">
        {errorText(store.error)}
      </Empty>
    );
  if (!device) return <Loading rows={10} />;
  const stack = stackId === id ? device : lead.state.device;
  return <Known store={store} device={device} stack={stack} stackId={stackId} nested={nested} rows={family.rows} />;
}

interface KnownProps {
  store: ReturnType<typeof useDevice>;
  device: Row;
  stack: Row | null;
  stackId: string | null;
  nested: ReadonlyMap<string, Device[]>;
  rows: ReadonlyMap<string, Row>;
}

function Known({ store, device, stack, stackId, nested, rows }: KnownProps) {
  const special = useSpecial(device);
  const { points, commands: all } = store.state;
  const open = all.filter((command) => !ended(command));
  const siblings = device.kind === "mixer" && stackId ? (nested.get(stackId) ?? []).filter((each) => each.kind === "mixer") : [];
  const aside = [device.model, device.kind === "mixer" && siblings.length > 0 ? t("device.box_of", { n: device.box_number, of: siblings.length }) : kindName(device.kind), placeOf(device)].filter(Boolean).join(" · ");
  const above = stack && stack.id !== device.id ? stack : null;
  const chain = <Chain device={device} nested={nested} stackId={stackId} rows={rows} />;
  const isStack = device.kind === "stack";
  const live = <LivePoints device={device} points={points} open={open} special={special} box={device.parent ? rows.get(device.parent) : undefined} stack={above ?? undefined} />;
  return (
    <Page
      mark={<DeviceStatus device={device} id={device.id} />}
      title={nameOf(device)}
      aside={
        <Text dim id="device-aside">
          {above && (
            <>
              <Go to={`/devices/${above.id}`}>{nameOf(above)}</Go> ·{" "}
            </>
          )}
          {aside}
          {device.location && (
            <>
              {" "}
              · <PlaceLink device={device} id="device-location" />
            </>
          )}
        </Text>
      }
    >
      <Stack gap={12}>
        {store.gone && <Notice tone="degraded">{t("device.retired")}</Notice>}
        {special.handOff ? <HandsOffNote device={device} handOff={special.handOff} /> : special.restart ? <RestartNote restart={special.restart} /> : device.agent?.state === "awaited" ? <AwaitedNote device={device} /> : <Cause device={device} />}
        {device.provisional && <Notice>{t("device.provisional")}</Notice>}
        <DeviceTools devices={[device]} nested={nested} stackOf={() => above ?? undefined} />
        <DeviceOutcomes device={device} />
      </Stack>
      <Halves lead>
        <Stack gap={24}>
          {isStack && chain}
          {(!isStack || points.size > 0) && live}
        </Stack>
        <Stack gap={24}>
          <DeviceFacts device={device} />
          {!isStack && chain}
        </Stack>
      </Halves>
      <Timeline device={device} points={points} recent={all} />
      <Stack gap={12}>
        <Transcript device={device} />
        <Raw device={device} points={points} />
      </Stack>
    </Page>
  );
}

/** Status, since when, why, and what to do, in one place. */
function Cause({ device }: { device: Row }) {
  if (device.status === "online") return null;
  const remedy = maybe(`remedy.${device.reason?.code ?? ""}`, "");
  return (
    <Notice tone={device.status === "unknown" ? undefined : device.status} id="device-cause">
      <Stack gap={4}>
        <Text strong>
          {device.status === "unknown" ? (
            <>
              {t("status.unknown_since")} <AtPlace time={device.since} zone={device.site.zone} place={device.site.name} />
              {device.agent?.state === "lost" ? `, ${t("status.server_lost")}` : ""}
              {device.was ? ` ${t("status.was", { status: t(`status.${device.was}`) })}` : ""}
            </>
          ) : (
            <>
              {t("status.since", { status: t(`status.${device.status}`) })} <AtPlace time={device.since} zone={device.site.zone} place={device.site.name} />, <Lasting since={device.since} />
            </>
          )}
        </Text>
        {device.reason && <Text>{device.status === "unknown" ? reasonText(device.reason) : causeOf(device)}</Text>}
        {remedy && <Text dim>{remedy}</Text>}
        {device.agent && device.status === "unknown" && (
          <Go accent to={`/servers/${device.agent.id}`}>
            {t("device.see_server", { name: device.agent.name })}
          </Go>
        )}
      </Stack>
    </Notice>
  );
}

/** Locate, reboot, hands off: what was asked on this page and how it ended. The line is the stack's, so hands off is asked there. */
function DeviceOutcomes({ device }: { device: Row }) {
  const asked = useAsked().filter((item) => (item.device === device.id && item.capability !== "control") || (item.device === device.stack && item.capability === "hands_off"));
  const newest = asked.filter((item, index) => asked.findIndex((other) => other.capability === item.capability) === index);
  return (
    <>
      {newest.map((item) => {
        const { phase, text, retry } = outcomeOf(item, item.capability === "locate" ? { value: device.locate, time: null, shown: device.locate ? t("value.on") : t("value.off") } : undefined);
        const waits = phase === "asked" || phase === "reading";
        const subject = item.capability === "hands_off" && item.arguments.minutes === 0 ? t("hands_off.take_it_back") : verb(item.capability);
        return <Outcome key={item.key} phase={phase} subject={subject} text={text} id={item.capability} onRetry={retry} onDismiss={waits ? undefined : () => commands.dismiss(item.key)} />;
      })}
    </>
  );
}

function DeviceFacts({ device }: { device: Row }) {
  const worth = (field: keyof Device) => device[field] && <Evidence assumed={device.assumed.includes(field)} id={`worth-${field}`} />;
  const copied = (text: string) => (
    <Line gap={4} keep>
      <Text mono>{text}</Text>
      <CopyButton text={text} />
    </Line>
  );
  const none = <Text dim>–</Text>;
  const support = Object.entries(device.capabilities);
  const lines: FactLine[] = [
    { name: t("field.serial"), value: device.serial_number ? copied(device.serial_number) : device.boxes.length ? <Whole words={device.boxes} /> : none, note: worth("serial_number"), id: "fact-serial" },
    { name: t("field.model"), value: device.model || none, note: worth("model"), id: "fact-model" },
    { name: t("field.part"), value: device.part_number || none, note: worth("part_number") },
    { name: t("field.firmware"), value: device.firmware_version ? <Go to={`/devices/pro-audio?firmware=${encodeURIComponent(device.firmware_version)}`}>{device.firmware_version}</Go> : none, note: worth("firmware_version"), id: "fact-firmware" },
    { name: t("field.mac"), value: device.mac ? copied(device.mac) : none, note: worth("mac") },
    { name: t("field.address"), value: device.address ? copied(`${device.address}:${device.port}`) : none, note: device.former_addresses.length ? t("device.before", { list: device.former_addresses.join(", ") }) : undefined, id: "fact-address" },
    { name: t("field.location"), value: <PlaceFact device={device} />, note: device.location ? t(`put.how_${device.location.by}` as Key) : undefined, id: "fact-location" },
    { name: t("field.site"), value: <Go to={`/devices/pro-audio?site=${device.site.id}`}>{device.site.name}</Go>, note: device.site.zone },
    { name: t("field.server"), value: device.agent ? <Go to={`/servers/${device.agent.id}`}>{device.agent.name}</Go> : none },
    { name: t("field.first_seen"), value: device.first_seen ? <At time={device.first_seen} /> : none },
  ];
  return (
    <Section title={t("device.facts")} id="facts" end={<Text dim small>{t("device.heard")} <Age seconds={device.age_s} at={device.at} id={device.id} /></Text>}>
      <Facts lines={lines} />
      {support.length > 0 && (
        <Line gap={8}>
          {support.map(([name, word]) => (
            <Tag key={name} title={supportText(word)} id={`support-${name}`}>
              {verb(name)}: {maybe(`support.${word}`, word)}
            </Tag>
          ))}
        </Line>
      )}
      <Legend />
    </Section>
  );
}

function PlaceLink({ device, id }: { device: Device; id?: string }) {
  if (!device.location) return null;
  return (
    <Go to={`/locations/${device.location.id}`} id={id}>
      {device.location.path}
    </Go>
  );
}

/** Where it is, and the way to say otherwise. */
function PlaceFact({ device }: { device: Device }) {
  const why = useWhyNotPut();
  const [open, setOpen] = useState(false);
  return (
    <Line gap={8}>
      {device.location ? <PlaceLink device={device} /> : <Text dim>{t("put.nowhere")}</Text>}
      {why === t("place.managed") ? (
        <Text dim id="device-put-why">
          {why}
        </Text>
      ) : (
        <LinkButton onClick={() => setOpen(true)} id="device-put" reason={why} roomy>
          {t("action.change")}
        </LinkButton>
      )}
      {open && <PutDialog devices={[device]} onClose={() => setOpen(false)} />}
    </Line>
  );
}

function Chain({ device, nested, stackId, rows }: { device: Row; nested: ReadonlyMap<string, Device[]>; stackId: string | null; rows: ReadonlyMap<string, Row> }) {
  const under = nested.get(device.id) ?? [];
  const boxes = device.kind === "mixer" && stackId ? (nested.get(stackId) ?? []).filter((each) => each.id !== device.id) : [];
  const parent = device.parent && device.parent !== stackId ? rows.get(device.parent) : undefined;
  if (under.length === 0 && boxes.length === 0 && !parent) return null;
  const others = parent ? [parent] : boxes;
  return (
    <>
      {under.length > 0 && (
        <Section title={t(device.kind === "stack" ? "device.boxes" : "device.chain")} count={under.length} id="chain">
          <Rows>
            {under.map((each) => (
              <ChainLine key={each.id} device={each} />
            ))}
          </Rows>
        </Section>
      )}
      {others.length > 0 && (
        <Section title={t(parent ? "device.belongs" : "device.other_boxes")} count={parent ? undefined : others.length} id="siblings">
          <Rows>
            {others.map((each) => (
              <ChainLine key={each.id} device={each} />
            ))}
          </Rows>
        </Section>
      )}
    </>
  );
}

function ChainLine({ device }: { device: Device }) {
  return (
    <RowLine id={`chain-${device.id}`} end={<DeviceStatus device={device} id={`chain-${device.id}`} quiet />}>
      <Grow>
        <Two
          first={
            <Go to={`/devices/${device.id}`}>
              <Text strong>{nameOf(device)}</Text> <Text dim>{device.model !== device.name ? device.model : ""}</Text>
            </Go>
          }
          second={[device.kind === "mixer" ? t("device.box", { n: device.box_number }) : device.position ? t("device.position", { n: device.position }) : "", device.serial_number, device.firmware_version && t("device.fw", { version: device.firmware_version })].filter(Boolean).join(" · ")}
        />
      </Grow>
    </RowLine>
  );
}

/** What was there before an instruction is known to its row, not to its facts. */
function useBefore(device: string, recent: Command[]): ReadonlyMap<string, Command> {
  const newest = recent[0]?.id ?? "";
  const { data } = useQuery({ queryKey: ["commands", device, newest], queryFn: () => api.get<{ items: Command[] }>(`/commands?device=${device}&limit=50`), placeholderData: (old) => old });
  return useMemo(() => new Map([...(data?.items ?? []), ...recent].map((command) => [command.id, command])), [data, recent]);
}

function Timeline({ device, points, recent }: { device: Row; points: ReadonlyMap<string, Point>; recent: Command[] }) {
  const now = useNow();
  const minute = Math.floor(now / 60_000) * 60_000;
  const history = useQuery({ queryKey: ["history", device.id, device.status, device.since], queryFn: () => api.get<{ items: Period[] }>(`/devices/${device.id}/history?limit=200`) });
  const facts = useFacts({ device: device.id }, 60);
  const told = { points, commands: useBefore(device.id, recent) };
  return (
    <Section title={t("device.timeline")} id="timeline">
      {history.error ? <ErrorNote error={history.error} onRetry={() => void history.refetch()} /> : <Strip periods={history.data?.items ?? []} now={minute + 60_000} label={t("device.strip", { list: (history.data?.items ?? []).slice(0, 5).map((period) => t(`status.${period.status}`)).join(", ") })} />}
      <ErrorNote error={facts.error} onRetry={facts.retry} />
      {facts.ready && facts.items.length === 0 && <Text dim>{t("events.none")}</Text>}
      <Rows id="events">
        {foldFacts(facts.items)
          .slice(0, 20)
          .map((fact) => (
            <RowLine key={fact.id} end={<Ago time={fact.time} />}>
              <Text dim>
                <At time={fact.time} />
              </Text>
              <Grow>{factText(fact, told)}</Grow>
            </RowLine>
          ))}
      </Rows>
    </Section>
  );
}

function Raw({ device, points }: { device: Row; points: ReadonlyMap<string, Point> }) {
  const text = JSON.stringify({ device: { ...device, at: undefined }, points: [...points.values()].map((point) => ({ ...point, at: undefined })) }, null, 2);
  return (
    <Details title={t("device.raw")} id="raw">
      <Line justify="end">
        <CopyButton text={text} label={t("device.raw_copy")} id="raw-copy" />
      </Line>
      <Code label={t("device.raw")} id="raw-text">
        {text}
      </Code>
    </Details>
  );
}

import { useCallback, useMemo, useRef, useState } from "react";
import { query } from "@/api/client";
import { useSession } from "@/api/session";
import type { Device } from "@/api/types";
import { useAgents, useDevices, useRow, useSummary, type ListStore } from "@/live/hooks";
import { Act, Age, Empty, ErrorNote, FilterChip, Filters, Go, Grow, InlineChoice, Line, LinkButton, Loading, Page, SearchField, Stack, StatusMark, Table, Text, useFilter, useGo, usePhone, type ChipOption, type Column, type Entry } from "@/ui";
import { t } from "@/words";
import { BellCell, LocateCell, NameCell, PhoneRow } from "./cells";
import { FoundList } from "./found";
import { DeviceStatus } from "./special";
import { DeviceTools, Selected } from "./tools";
import { buildTree, countText, shownOf, type Grouping } from "./tree";
import { kindName, nameOf, placeOf } from "./words";

const PRO_AUDIO = "pro_audio";
const NONE: Device[] = [];
/** The kinds that hold others: what a filter leaves of a list still needs its stacks' names and its boxes' models. */
const FRAME = "stack,mixer";
type Row = Device & { at: number };

/** Every value seen so far, so that a filter does not shrink its own choices. */
function useSeen(store: ListStore<Device>): { models: string[]; versions: string[] } {
  const seen = useRef({ models: new Set<string>(), versions: new Set<string>() });
  for (const device of store.rows.values()) {
    if (device.model) seen.current.models.add(device.model);
    if (device.firmware_version) seen.current.versions.add(device.firmware_version);
  }
  const { models, versions } = seen.current;
  return { models: [...models].sort(), versions: [...versions].sort() };
}

const split = (text: string | undefined) => (text ? text.split(",").filter(Boolean) : []);
const plain = (values: string[]): ChipOption[] => values.map((value) => ({ value, label: value, text: value }));

export function ProAudio() {
  const [filter, setFilter] = useFilter();
  const go = useGo();
  const phone = usePhone();
  const topic = query({ kind: filter.kind || PRO_AUDIO, status: filter.status, site: filter.site, agent: filter.agent, model: filter.model, firmware: filter.firmware, q: filter.q });
  const store = useDevices(topic);
  const summary = useSummary();
  const agents = useAgents();
  const seen = useSeen(store);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());

  const group = (["site", "stack", "firmware"].includes(filter.group ?? "") ? filter.group : "") as Grouping;
  const sort = filter.sort || "status";
  const down = filter.down === "1";
  const filtered = Boolean(filter.status || filter.model || filter.firmware || filter.q || filter.kind || filter.site || filter.agent);

  const family = useDevices(filtered ? query({ kind: FRAME, site: filter.site, agent: filter.agent }) : null);
  const frame = filtered ? family : store;
  const boxes = useMemo(
    () => {
      const map = new Map<string, Device[]>();
      for (const device of frame.rows.values()) {
        if (device.kind !== "mixer" || !device.stack) continue;
        const list = map.get(device.stack);
        if (list) list.push(device);
        else map.set(device.stack, [device]);
      }
      for (const list of map.values()) list.sort((a, b) => a.box_number - b.box_number);
      return map;
    },
    // the store's own version says when its rows changed
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [frame, frame.version],
  );
  const tree = useMemo(
    () => buildTree(store.rows, { group, sort, down, open, names: { unknown: t("status.unknown") }, boxes, known: frame.rows }),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [store, store.version, group, sort, down, open, boxes, frame],
  );
  const entries: Entry[] = useMemo(
    () =>
      tree.lines.map((line) => ({
        key: line.key,
        id: line.id,
        depth: line.depth,
        opens: line.opens,
        open: line.open,
        heading: line.group && (
          <>
            <Text strong>{line.group.name || "–"}</Text>
            <Text dim>{countText(line.group.ids.flatMap((id) => store.rows.get(id) ?? []))}</Text>
          </>
        ),
      })),
    [tree, store],
  );
  const own = `${topic}|${group}|${sort}|${down}|${[...open].join()}|${store.ready}`;
  // the cells are made once; what they look up changes
  const look = useRef({ tree, boxes, rows: store.rows, frame: frame.rows });
  look.current = { tree, boxes, rows: store.rows, frame: frame.rows };
  const stackOf = useCallback((device: Device) => (device.stack ? (look.current.rows.get(device.stack) ?? look.current.frame.get(device.stack)) : undefined), []);
  /** Nobody above it in the list says which stack it belongs to. */
  const alone = useCallback((entry: Entry) => !entry.depth, []);

  const columns = useMemo<Column<Row>[]>(() => {
    const boxesOf = (device: Row) => look.current.boxes.get(device.id) ?? NONE;
    const shown = (device: Row) => shownOf(device, boxesOf(device));
    return [
      { id: "status", name: t("field.status"), width: "minmax(200px, 1.1fr)", sort: true, cell: (device) => <DeviceStatus device={device} id={device.id} /> },
      { id: "name", name: t("field.device"), width: "minmax(170px, 1.8fr)", sort: true, cell: (device, entry) => <NameCell device={device} stack={alone(entry) ? stackOf(device) : undefined} alone={alone(entry)} /> },
      { id: "model", name: t("field.model"), width: "minmax(92px, 1.3fr)", from: 1240, sort: true, cell: (device) => shown(device).model || <Text dim>–</Text> },
      {
        id: "serial",
        name: t("field.serial"),
        width: "minmax(126px, 0.9fr)",
        from: 1240,
        sort: true,
        cell: (device) => {
          const { serial, more } = shown(device);
          return (
            <>
              {serial || <Text dim>–</Text>}
              {more > 0 && <Text dim> +{more}</Text>}
            </>
          );
        },
      },
      { id: "firmware", name: t("field.firmware"), width: "minmax(76px, 0.6fr)", sort: true, cell: (device) => shown(device).firmware || <Text dim>–</Text> },
      { id: "address", name: t("field.address"), width: "minmax(96px, 0.8fr)", sort: true, cell: (device) => shown(device).address || <Text dim>–</Text>, from: 1360 },
      { id: "site", name: t("field.site"), width: "minmax(80px, 0.7fr)", sort: true, cell: (device) => device.site.name, from: 1680 },
      { id: "locate", name: t("verb.locate"), width: "52px", free: true, cell: (device) => <LocateCell device={device} boxes={boxesOf(device)} /> },
      { id: "todo", name: t("field.todo"), width: "44px", free: true, cell: (device) => <BellCell device={device} /> },
      { id: "agent", name: t("field.server"), width: "minmax(80px, 0.7fr)", sort: true, from: 1680, cell: (device) => (device.agent ? <Go to={`/servers/${device.agent.id}`}>{device.agent.name}</Go> : <Text dim>–</Text>) },
      { id: "age", name: t("field.age"), width: "60px", end: true, cell: (device) => (device.status === "unknown" || device.status === "offline" ? <Text dim>–</Text> : <Age seconds={device.age_s} at={device.at} id={device.id} />) },
    ];
  }, [alone, stackOf]);

  const toggle = useCallback((id: string, on: boolean) => {
    setOpen((old) => {
      const next = new Set(old);
      if (on) next.add(id);
      else next.delete(id);
      return next;
    });
  }, []);
  const nested = useMemo(() => new Map<string, Device[]>([...tree.children, ...boxes]), [tree, boxes]);
  const useItem = (id: string) => useRow(store, id);
  const chosen = [...selected].map((id) => store.rows.get(id)).filter((device) => device !== undefined);
  const sites = new Map<string, string>();
  for (const agent of agents.rows.values()) sites.set(agent.site.id, agent.site.name);

  return (
    <Page title={t("nav.pro_audio")} aside={<Head store={store} filtered={filtered} summary={summary.value} />}>
      <Stack gap={12}>
        <Filters>
          <SearchField id="filter-q" label={t("filter.search")} value={filter.q ?? ""} onChange={(q) => setFilter({ q })} />
          <FilterChip id="filter-status" name={t("field.status")} values={split(filter.status)} onChange={(v) => setFilter({ status: v.join() })} options={(["offline", "degraded", "unknown", "online"] as const).map((status) => ({ value: status, text: t(`status.${status}`), label: <StatusMark status={status} /> }))} />
          <FilterChip id="filter-site" name={t("field.site")} values={split(filter.site)} onChange={(v) => setFilter({ site: v.join() })} options={[...sites].map(([value, name]) => ({ value, label: name, text: name }))} />
          <FilterChip id="filter-agent" name={t("field.server")} values={split(filter.agent)} onChange={(v) => setFilter({ agent: v.at(-1) })} options={[...agents.rows.values()].map((agent) => ({ value: agent.id, label: agent.name, text: agent.name }))} />
          <FilterChip id="filter-kind" name={t("field.kind")} values={split(filter.kind)} onChange={(v) => setFilter({ kind: v.join() })} options={["stack", "mixer", "microphone", "expander"].map((kind) => ({ value: kind, label: kindName(kind), text: kindName(kind) }))} />
          <FilterChip id="filter-model" name={t("field.model")} values={split(filter.model)} onChange={(v) => setFilter({ model: v.at(-1) })} options={plain(seen.models)} />
          <FilterChip id="filter-firmware" name={t("field.firmware")} values={split(filter.firmware)} onChange={(v) => setFilter({ firmware: v.at(-1) })} options={plain(seen.versions)} />
          {filtered && (
            <LinkButton id="filter-clear" onClick={() => setFilter({ q: "", status: "", site: "", agent: "", kind: "", model: "", firmware: "" })}>
              {t("filter.clear")}
            </LinkButton>
          )}
          <Grow>
            <Line justify="end">
              <InlineChoice
                id="group-by"
                label={t("filter.group")}
                value={group}
                onChange={(value) => setFilter({ group: value })}
                options={[
                  { value: "", label: t("filter.group_none") },
                  { value: "site", label: t("field.site") },
                  { value: "stack", label: t("kind.stack") },
                  { value: "firmware", label: t("field.firmware") },
                ]}
              />
            </Line>
          </Grow>
        </Filters>
        <FoundList shown={filter.found === "1"} onShow={(on) => setFilter({ found: on ? "1" : "" })} site={filter.site} />
        {(!phone || chosen.length > 0) && (
          <Line gap={16}>
            <DeviceTools devices={chosen} nested={nested} stackOf={stackOf} sheet={phone} />
            {chosen.length > 0 && !phone && <Selected devices={chosen} nested={nested} onClear={() => setSelected(new Set())} />}
          </Line>
        )}
        {store.error ? (
          <ErrorNote error={store.error} />
        ) : !store.ready ? (
          <Loading rows={12} />
        ) : entries.length === 0 ? (
          filtered ? (
            <Empty title={t("devices.no_match")} action={<Act id="empty-clear" onClick={() => go("/devices/pro-audio")}>{t("filter.clear")}</Act>} />
          ) : (
            <NoDevices />
          )
        ) : (
          <Table<Row>
            label={t("nav.pro_audio")}
            entries={entries}
            own={own}
            columns={columns}
            useItem={useItem}
            name={(device) => `${nameOf(device)}, ${placeOf(device, stackOf(device))}`}
            phone={(device, entry) => <PhoneRow device={device} stack={alone(entry) ? stackOf(device) : undefined} alone={alone(entry)} model={shownOf(device, boxes.get(device.id) ?? NONE).model} />}
            onOpen={(id) => go(`/devices/${id}`)}
            onToggle={group === "stack" || group === "firmware" ? undefined : toggle}
            sort={{ id: sort, down }}
            onSort={(next) => setFilter({ sort: next.id === "status" ? "" : next.id, down: next.down ? "1" : "" })}
            selected={selected}
            onSelect={setSelected}
          />
        )}
      </Stack>
    </Page>
  );
}

function Head({ store, filtered, summary }: { store: ListStore<Device>; filtered: boolean; summary: ReturnType<typeof useSummary>["value"] }) {
  if (filtered) {
    // the first pages do not tell the kinds of all
    const counted = store.state.next === null ? countText(store.rows.values()) : t("count.devices", { n: store.state.total });
    return (
      <Text dim id="devices-head">
        {store.ready ? t("devices.head_filtered", { n: store.state.total, what: counted }) : ""}
      </Text>
    );
  }
  const sum = (counts: object | undefined) => Object.values(counts ?? {}).reduce((n: number, each) => n + Number(each), 0);
  if (!summary) return null;
  const peripherals = sum(summary.kinds.microphone) + sum(summary.kinds.expander);
  return (
    <Text dim id="devices-head">
      {t("devices.head", { mixers: t("count.mixers", { n: sum(summary.kinds.mixer) }), stacks: t("count.stacks", { n: sum(summary.stacks) }), peripherals: t("count.peripherals", { n: peripherals }) })}
    </Text>
  );
}

function NoDevices() {
  const agents = useAgents();
  const scanning = [...agents.rows.values()].filter((agent) => agent.state === "connected");
  const { session } = useSession();
  return (
    <Empty title={t("devices.empty")} action={<Go accent to={session.edition === "local_agent" ? "/settings/discovery" : "/servers"}>{t("devices.empty_action")}</Go>}>
      {scanning.length === 0 ? t("devices.empty_no_server") : scanning.map((agent) => t("devices.empty_scanning", { name: agent.name, subnets: agent.subnets.join(", ") || "auto" })).join(" ")}
    </Empty>
  );
}


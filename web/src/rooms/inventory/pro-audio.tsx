import { useCallback, useMemo, useRef, useState } from "react";
import { api, query } from "@/api/client";
import { useMay, useSession } from "@/api/session";
import type { Device, Found } from "@/api/types";
import { commands, latestFor, useAsked } from "@/live/commands";
import { outcomeOf } from "@/live/outcome";
import { useAgents, useDevices, useFound, useRow, useSummary, type ListStore } from "@/live/hooks";
import {
  Act,
  Age,
  Bell,
  Details,
  Empty,
  ErrorNote,
  FilterChip,
  Filters,
  Go,
  Grow,
  IconButton,
  InlineChoice,
  Lasting,
  Line,
  LinkButton,
  Loading,
  Page,
  RowLine,
  Rows,
  SearchField,
  Shape,
  Stack,
  StatusMark,
  Table,
  Text,
  Two,
  At,
  useFilter,
  useGo,
  usePhone,
  type ChipOption,
  type Column,
  type Entry,
} from "@/ui";
import { maybe, reasonText, t } from "@/words";
import { DeviceTools, Selected } from "./tools";
import { buildTree, shownOf, type Grouping } from "./tree";
import { causeOf, kindName, nameOf, placeOf } from "./words";

const PRO_AUDIO = "pro_audio";
const NONE: Device[] = [];
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

  const tree = useMemo(
    () => buildTree(store.rows, { group, sort, down, open, names: { unknown: t("status.unknown") } }),
    // the store's own version says when its rows changed
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [store, store.version, group, sort, down, open],
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
            <Text dim>{t("count.devices", { n: line.group.ids.length })}</Text>
          </>
        ),
      })),
    [tree],
  );
  const own = `${topic}|${group}|${sort}|${down}|${[...open].join()}|${store.ready}`;
  const tree_ = useRef(tree);
  tree_.current = tree;

  const columns = useMemo<Column<Row>[]>(() => {
    const shown = (device: Row) => shownOf(device, tree_.current.children.get(device.id) ?? NONE);
    return [
      { id: "status", name: t("field.status"), width: "minmax(178px, 1.1fr)", sort: true, cell: (device) => <StatusCell device={device} /> },
      { id: "name", name: t("field.device"), width: "minmax(170px, 1.8fr)", sort: true, cell: (device) => <NameCell device={device} /> },
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
      { id: "locate", name: t("verb.locate"), width: "52px", free: true, cell: (device) => <LocateCell device={device} boxes={tree_.current.children.get(device.id) ?? NONE} /> },
      { id: "todo", name: t("field.todo"), width: "44px", free: true, cell: (device) => <BellCell device={device} /> },
      { id: "agent", name: t("field.server"), width: "minmax(80px, 0.7fr)", sort: true, from: 1440, cell: (device) => (device.agent ? <Go to={`/servers/${device.agent.id}`}>{device.agent.name}</Go> : <Text dim>–</Text>) },
      { id: "age", name: t("field.age"), width: "60px", end: true, cell: (device) => (device.status === "unknown" || device.status === "offline" ? <Text dim>–</Text> : <Age seconds={device.age_s} at={device.at} id={device.id} />) },
    ];
  }, []);

  const toggle = useCallback((id: string, on: boolean) => {
    setOpen((old) => {
      const next = new Set(old);
      if (on) next.add(id);
      else next.delete(id);
      return next;
    });
  }, []);
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
            <DeviceTools devices={chosen} nested={tree.children} sheet={phone} />
            {chosen.length > 0 && !phone && <Selected devices={chosen} nested={tree.children} onClear={() => setSelected(new Set())} />}
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
            name={(device) => `${nameOf(device)}, ${placeOf(device)}`}
            phone={(device) => <PhoneRow device={device} />}
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
  if (filtered)
    return (
      <Text dim id="devices-head">
        {store.ready ? t("devices.head_filtered", { n: store.state.total }) : ""}
      </Text>
    );
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

function StatusCell({ device }: { device: Row }) {
  const since = device.since;
  return (
    <Line gap={8} keep>
      <StatusMark status={device.status} id={device.id} />
      {device.status === "unknown" ? <Text dim small>{since && <At time={since} />}</Text> : <Lasting since={since} />}
    </Line>
  );
}

function NameCell({ device }: { device: Row }) {
  const cause = device.status !== "online" ? causeOf(device) : "";
  return (
    <Two
      first={
        <Go to={`/devices/${device.id}`} id={`open-${device.id}`}>
          <Text strong>{nameOf(device)}</Text> {device.kind !== "stack" && <Text dim small>{kindName(device.kind)}</Text>}
        </Go>
      }
      second={<Text title={cause || undefined}>{cause ? `${placeOf(device)} · ${cause}` : placeOf(device)}</Text>}
    />
  );
}

function PhoneRow({ device }: { device: Row }) {
  return (
    <>
      <Shape status={device.status} size={13} />
      <Grow>
        <Two
          first={
            <Go to={`/devices/${device.id}`} id={`open-${device.id}`}>
              <Text strong>{nameOf(device)}</Text> <Text dim>{placeOf(device)}</Text>
            </Go>
          }
          second={
            <>
              {t(`status.${device.status}`)} {device.since && <Lasting since={device.since} />} {device.status === "online" ? device.model : causeOf(device)}
            </>
          }
        />
      </Grow>
    </>
  );
}

/** ○ off, ● on, dashed while asked; a stack's light is that of its boxes. */
function LocateCell({ device, boxes }: { device: Row; boxes: readonly Device[] }) {
  const asked = useAsked();
  const may = useMay("control");
  const can = (each: Device) => each.capabilities.locate && each.capabilities.locate !== "unsupported";
  const targets = can(device) ? [device] : device.kind === "stack" ? boxes.filter(can) : [];
  if (targets.length === 0 || !may) return <Text dim>–</Text>;
  const on = targets.some((each) => each.locate === true);
  const own = targets.map((each) => latestFor(asked, [], each.id, "locate")).find((item) => item && ["asked", "reading"].includes(outcomeOf(item, { value: device.locate ?? on, time: null }).phase));
  const label = own ? t("locate.asked") : t(on ? "locate.turn_off" : "locate.turn_on");
  return <IconButton tiny icon="locate" pressed={on} id={`locate-${device.id}`} label={label} onClick={() => targets.forEach((each) => void commands.ask(each.id, "locate", { on: !on }))} />;
}

function BellCell({ device }: { device: Row }) {
  if (device.status === "online") return null;
  return (
    <Bell id={device.id} tone={device.status === "unknown" ? "grey" : "red"} label={t("bell.label", { name: nameOf(device) })}>
      <Stack gap={8}>
        <StatusMark status={device.status}>
          <Lasting since={device.since} />
        </StatusMark>
        <Text>{causeOf(device) || t("bell.no_reason")}</Text>
        <Text dim>{maybe(`remedy.${device.reason?.code ?? ""}`, t("remedy.default"))}</Text>
        <Go accent to={`/devices/${device.id}`}>
          {t("action.open")}
        </Go>
      </Stack>
    </Bell>
  );
}

function FoundList({ shown, onShow, site }: { shown: boolean; onShow: (on: boolean) => void; site?: string }) {
  const store = useFound();
  const items = [...store.rows.values()].filter((found) => !site || site.split(",").includes(found.site.id));
  if (items.length === 0) return null;
  return (
    <Details id="found" open={shown} onToggle={(on) => on !== shown && onShow(on)} title={<Text>{t("found.title", { n: items.length })}</Text>}>
      <Rows>
        {items.map((found) => (
          <FoundLine key={found.id} found={found} />
        ))}
      </Rows>
    </Details>
  );
}

function FoundLine({ found }: { found: Found }) {
  const { session } = useSession();
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const local = session.edition === "local_agent";
  const list = async () => {
    setError(null);
    try {
      await api.post(`/found/${found.id}/list`);
      setAsked(true);
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <RowLine
      id={`found-${found.id}`}
      end={
        found.reason.code === "asks" ? (
          asked ? (
            <Text dim>{t("control.asked")}</Text>
          ) : (
            <Act small id={`found-${found.id}-list`} onClick={() => void list()}>
              {t("found.list")}
            </Act>
          )
        ) : found.reason.code === "sign_in_refused" && local ? (
          <Go accent to="/settings/credentials">
            {t("found.credentials")}
          </Go>
        ) : undefined
      }
    >
      <Shape status="unknown" />
      <Grow>
        <Two
          first={
            <>
              <Text strong>
                {found.address}:{found.port}
              </Text>{" "}
              <Text dim>
                {found.site.name} {found.serials.length > 0 && `· ${found.serials.join(", ")}`}
              </Text>
            </>
          }
          second={
            <>
              {reasonText(found.reason)} {found.remedy && maybe(`remedy.${found.remedy.code}`, found.remedy.text)}
            </>
          }
        />
        <ErrorNote error={error} />
      </Grow>
      <Text small dim>
        <At time={found.time} />
      </Text>
    </RowLine>
  );
}

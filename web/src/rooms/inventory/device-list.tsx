import { useCallback, useMemo, useRef, useState, type ReactNode } from "react";
import { query } from "@/api/client";
import type { Device } from "@/api/types";
import { useDevices, useRow, type ListStore } from "@/live/hooks";
import { Age, ErrorNote, Go, Line, Loading, Table, Text, useGo, usePhone, type Column, type Entry } from "@/ui";
import { t } from "@/words";
import { BellCell, LocateCell, NameCell, PhoneRow } from "./cells";
import { DeviceStatus } from "./special";
import { DeviceTools, Selected } from "./tools";
import { buildTree, countText, shownOf, type Grouping } from "./tree";
import { nameOf, placeOf, shortPath } from "./words";

const NONE: Device[] = [];
/** The kinds that hold others: what a filter leaves of a list still needs its stacks' names and its boxes' models. */
const FRAME = "stack,mixer";
type Row = Device & { at: number };

export interface DeviceListProps {
  label: string;
  store: ListStore<Device>;
  /** The live list the store holds, which says what it was asked for. */
  topic: string;
  /** Rows may be missing whose stacks or boxes are still to be named; only those of this site and server. */
  frame?: { site?: string; agent?: string };
  group: Grouping;
  sort: string;
  down: boolean;
  onSort: (sort: string, down: boolean) => void;
  empty: ReactNode;
  /** Columns that say nothing here. */
  without?: readonly string[];
}

/** Devices as a table with the tools above it; live. */
export function DeviceList({ label, store, topic, frame: wanted, group, sort, down, onSort, empty, without = [] }: DeviceListProps) {
  const go = useGo();
  const phone = usePhone();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());

  const family = useDevices(wanted ? query({ kind: FRAME, ...wanted }) : null);
  const frame = wanted ? family : store;
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
  const hidden = without.join();
  const tree = useMemo(
    () => buildTree(store.rows, { group, sort, down, open, names: { unknown: t("status.unknown"), nowhere: t("put.nowhere") }, boxes, known: frame.rows }),
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
            <Text strong clip title={line.group.name}>{(phone ? shortPath(line.group.name) : line.group.name) || "–"}</Text>
            <Text dim nowrap>{countText(line.group.ids.flatMap((id) => store.rows.get(id) ?? []))}</Text>
          </>
        ),
      })),
    [tree, store, phone],
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
      { id: "model", name: t("field.model"), width: "minmax(92px, 1.1fr)", from: 1240, sort: true, cell: (device) => shown(device).model || <Text dim>–</Text> },
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
      { id: "address", name: t("field.address"), width: "minmax(92px, 0.7fr)", sort: true, cell: (device) => shown(device).address || <Text dim>–</Text>, from: 1440 },
      { id: "location", name: t("field.location"), width: "minmax(100px, 1fr)", sort: true, from: 1360, cell: (device) => <PlaceCell device={device} /> },
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
  const shownColumns = useMemo(() => columns.filter((column) => !hidden.includes(column.id)), [columns, hidden]);
  return (
    <>
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
          empty
        ) : (
          <Table<Row>
            label={label}
            entries={entries}
            own={own}
            columns={shownColumns}
            useItem={useItem}
            name={(device) => `${nameOf(device)}, ${placeOf(device, stackOf(device))}`}
            phone={(device, entry) => <PhoneRow device={device} stack={alone(entry) ? stackOf(device) : undefined} alone={alone(entry)} model={shownOf(device, boxes.get(device.id) ?? NONE).model} />}
            onOpen={(id) => go(`/devices/${id}`)}
            onToggle={group === "stack" || group === "firmware" ? undefined : toggle}
            sort={{ id: sort, down }}
            onSort={(next) => onSort(next.id, next.down)}
            selected={selected}
            onSelect={setSelected}
          />
        )}
    </>
  );
}

/** The place by its last two names; the whole path is read by pointing at it. */
function PlaceCell({ device }: { device: Device }) {
  const { location } = device;
  if (!location) return <Text dim>–</Text>;
  return (
    <Go to={`/locations/${location.id}`} label={location.path}>
      <Text title={location.path}>{shortPath(location.path)}</Text>
    </Go>
  );
}

import type { ReactNode } from "react";
import type { Place, Status } from "@/api/types";
import { format, locale, maybe, t } from "@/words";
import { Go, Grow, Line, Reach, Text, Two } from "./layout";
import { StatusCounts, StatusMark } from "./status";
import { Table, usePhone, type Column, type Entry } from "./table";
import { LocalTime } from "./time";

type Row = Place & { at: number };

/** What is counted: boxes and peripherals, never stacks. */
const COUNTED = "mixer,microphone,expander";

export const placeKind = (kind: string): string => maybe(`place.${kind}`, kind);
export const deviceSum = (place: Place): number => Object.values(place.devices).reduce((n, each) => n + each, 0);

/** The list that a figure of a place counts. */
export function devicesAt(place: string, status?: Status): string {
  return `/devices/pro-audio?kind=${COUNTED}&location=${place}${status ? `&status=${status}` : ""}`;
}

export interface PlaceTreeProps {
  label: string;
  /** Lines of the tree, from the uppermost down. */
  lines: { id: string; depth: number; opens: boolean; open: boolean }[];
  useItem: (id: string) => Row | undefined;
  onToggle?: (id: string, open: boolean) => void;
  onOpen: (id: string) => void;
  own: string;
  menu?: (place: Place) => ReactNode;
  /** Beside other things: without contact and menu. */
  compact?: boolean;
  /** The whole path stands below each name, where the lines do not show where it lies. */
  paths?: boolean;
}

function Number({ place, status }: { place: Place; status: Status }) {
  const n = place.devices[status] ?? 0;
  if (n === 0) return <Text dim>–</Text>;
  return (
    <Go to={devicesAt(place.id, status)} label={`${n} ${t(`status.${status}`)}, ${place.name}`}>
      <Text tone={status}>{format.number(locale(), n)}</Text>
    </Go>
  );
}

function Devices({ place }: { place: Place }) {
  const n = deviceSum(place);
  return n === 0 ? (
    <Text dim>–</Text>
  ) : (
    <Go to={devicesAt(place.id)} label={`${t("count.devices", { n })}, ${place.name}`}>
      {format.number(locale(), n)}
    </Go>
  );
}

/** Where the devices are, and how they stand there: every figure opens its list. On a phone one level, to be drilled into. */
export function PlaceTree({ label, lines, useItem, onToggle, onOpen, own, menu, compact, paths }: PlaceTreeProps) {
  const phone = usePhone();
  const entries: Entry[] = lines.filter((line) => !phone || line.depth === 0 || paths).map((line) => ({ key: line.id, id: line.id, depth: phone ? 0 : line.depth, opens: !phone && line.opens, open: line.open }));
  const none = <Text dim>–</Text>;
  const name = (place: Row) => (
    <Go to={`/locations/${place.id}`} id={`open-${place.id}`}>
      <Text strong>{place.name}</Text> <Text dim small>{placeKind(place.kind)}</Text>
    </Go>
  );
  const columns: Column<Row>[] = [
    { id: "name", name: t("field.location"), width: "minmax(200px, 2.4fr)", cell: name },
    { id: "time", name: t("field.local_time"), width: "84px", cell: (place) => (place.zone ? <LocalTime zone={place.zone} /> : none) },
    { id: "rooms", name: t("field.rooms"), width: "60px", end: true, cell: (place) => (place.rooms > 0 ? format.number(locale(), place.rooms) : none) },
    { id: "devices", name: t("field.devices"), width: "64px", end: true, cell: (place) => <Devices place={place} /> },
    { id: "worst", name: t("field.worst"), width: "minmax(96px, 0.8fr)", cell: (place) => (place.worst ? <StatusMark status={place.worst} id={place.id} /> : none) },
    ...(["offline", "degraded", "unknown"] as const).map((status): Column<Row> => ({ id: status, name: t(`status.${status}`), width: "72px", end: true, cell: (place) => <Number place={place} status={status} /> })),
    ...(compact ? [] : [{ id: "contact", name: t("field.contact"), width: "minmax(90px, 1fr)", from: 1240, cell: (place: Row) => (!place.contact ? none : place.own.includes("contact") ? <Reach text={place.contact} /> : <Text dim>{place.contact}</Text>) } satisfies Column<Row>]),
    ...(menu ? [{ id: "menu", name: "", width: "36px", free: true, cell: menu } satisfies Column<Row>] : []),
  ];
  return (
    <Table<Row>
      label={label}
      entries={entries}
      own={own}
      columns={columns}
      useItem={useItem}
      name={(place) => place.path}
      rowId={(id) => `place-row-${id}`}
      onOpen={onOpen}
      onToggle={phone ? undefined : onToggle}
      phone={(place) => (
        <>
          <Grow>
            <Two
              first={name(place)}
              second={
                <Line gap={8}>
                  {paths && place.parent && <span>{place.path.split(" > ").slice(0, -1).join(" > ")}</span>}
                  {deviceSum(place) > 0 ? <StatusCounts counts={place.devices} /> : <span>{t("place.no_devices")}</span>}
                  {place.children > 0 && <span>{t("count.places", { n: place.children })}</span>}
                </Line>
              }
            />
          </Grow>
          {menu?.(place)}
        </>
      )}
    />
  );
}

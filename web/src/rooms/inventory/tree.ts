import type { Device, Status } from "@/api/types";
import { t } from "@/words";

export type Grouping = "" | "site" | "location" | "stack" | "firmware";

export interface Line {
  key: string;
  id?: string;
  group?: { key: string; name: string; ids: string[] };
  depth: number;
  opens: boolean;
  open: boolean;
}

export const RANK: Record<Status, number> = { offline: 0, degraded: 1, unknown: 2, online: 3 };

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** What a stack shows of its boxes when it says nothing of its own; what hangs on a box is no part of it. */
export function shownOf(device: Device, below: readonly Device[]): { model: string; firmware: string; serial: string; more: number; address: string; locate: boolean | null } {
  const boxes = device.kind === "stack" ? below.filter((each) => each.kind === "mixer") : [];
  const all = (pick: (box: Device) => string) => [...new Set(boxes.map(pick).filter(Boolean))];
  const models = device.model ? [device.model] : all((box) => box.model);
  const versions = device.firmware_version ? [device.firmware_version] : all((box) => box.firmware_version);
  const serials = device.serial_number ? [device.serial_number] : device.boxes.length ? device.boxes : all((box) => box.serial_number);
  const lights = boxes.map((box) => box.locate);
  return {
    model: models.join(" + "),
    firmware: versions.join(", "),
    serial: serials[0] ?? "",
    more: Math.max(0, serials.length - 1),
    address: device.address || all((box) => box.address)[0] || "",
    locate: device.locate ?? (lights.includes(true) ? true : lights.includes(false) ? false : null),
  };
}

/** Sorts behind every path. */
const LAST = "\u{10ffff}";

type SortKey = (device: Device, boxes: readonly Device[]) => string | number;
const SORTS: Record<string, SortKey> = {
  status: (device) => RANK[device.status] ?? 2,
  name: (device) => device.name,
  model: (device, boxes) => shownOf(device, boxes).model,
  serial: (device, boxes) => shownOf(device, boxes).serial,
  firmware: (device, boxes) => shownOf(device, boxes).firmware,
  address: (device, boxes) => shownOf(device, boxes).address,
  site: (device) => device.site.name,
  location: (device) => device.location?.path ?? LAST,
  agent: (device) => device.agent?.name ?? "",
};

/** "2 stacks, 5 devices": a stack is no device, so they are counted apart. */
export function countText(devices: Iterable<Pick<Device, "kind">>): string {
  let stacks = 0;
  let others = 0;
  for (const { kind } of devices) {
    if (kind === "stack") stacks += 1;
    else others += 1;
  }
  const parts = [stacks > 0 ? t("count.stacks", { n: stacks }) : "", others > 0 ? t("count.devices", { n: others }) : ""].filter(Boolean);
  return parts.join(", ") || t("count.devices", { n: 0 });
}

export interface Tree {
  lines: Line[];
  children: Map<string, Device[]>;
  tops: Device[];
}

/** Where a device hangs: a box in its stack, a peripheral in its box; a box that is not in the list does not hide it. */
function above(device: Device, rows: ReadonlyMap<string, Device>): string | null {
  for (const id of [device.parent, device.stack]) if (id && id !== device.id && rows.has(id)) return id;
  return null;
}

export function buildTree(rows: ReadonlyMap<string, Device>, options: { group: Grouping; sort: string; down: boolean; open: ReadonlySet<string>; shut?: ReadonlySet<string>; names?: { unknown: string; nowhere?: string }; boxes?: ReadonlyMap<string, Device[]>; known?: ReadonlyMap<string, Device> }): Tree {
  const { group, sort, down, open, shut, names, boxes, known } = options;
  const children = new Map<string, Device[]>();
  let tops: Device[] = [];
  const flat = group === "firmware" || group === "stack";
  for (const device of rows.values()) {
    const id = above(device, rows);
    if (id) {
      const list = children.get(id);
      if (list) list.push(device);
      else children.set(id, [device]);
    }
    if (flat ? device.kind !== "stack" : !id) tops.push(device);
  }
  for (const list of children.values()) list.sort((a, b) => a.box_number - b.box_number || a.position - b.position || collator.compare(a.name, b.name));

  const keyOf = SORTS[sort] ?? SORTS.status!;
  const keyed = tops.map((device) => ({ device, key: keyOf(device, boxes?.get(device.id) ?? children.get(device.id) ?? []) }));
  const sign = down ? -1 : 1;
  keyed.sort((a, b) => {
    const first = typeof a.key === "number" && typeof b.key === "number" ? a.key - b.key : collator.compare(String(a.key), String(b.key));
    return sign * first || collator.compare(a.device.site.name, b.device.site.name) || collator.compare(a.device.name, b.device.name) || collator.compare(a.device.serial_number, b.device.serial_number) || (a.device.id < b.device.id ? -1 : 1);
  });
  tops = keyed.map((each) => each.device);

  const lines: Line[] = [];
  const add = (device: Device, depth: number) => {
    const kids = flat ? [] : (children.get(device.id) ?? []);
    const isOpen = kids.length > 0 && open.has(device.id);
    lines.push({ key: device.id, id: device.id, depth, opens: kids.length > 0, open: isOpen });
    if (isOpen) for (const kid of kids) add(kid, depth + 1);
  };
  if (!group) for (const device of tops) add(device, 0);
  else {
    const groups = new Map<string, { name: string; members: Device[] }>();
    for (const device of tops) {
      const [key, name] = groupOf(device, group, known ?? rows, names ?? { unknown: "" });
      const found = groups.get(key);
      if (found) found.members.push(device);
      else groups.set(key, { name, members: [device] });
    }
    // what is nowhere stands last
    const last = (key: string) => (group === "location" && key === "" ? 1 : 0);
    const sorted = [...groups].sort((a, b) => last(a[0]) - last(b[0]) || collator.compare(a[1].name, b[1].name));
    for (const [key, { name, members }] of sorted) {
      lines.push({ key: `group:${key}`, group: { key, name, ids: members.map((device) => device.id) }, depth: 0, opens: true, open: !shut?.has(key) });
      if (!shut?.has(key)) for (const device of members) add(device, 0);
    }
  }
  return { lines, children, tops };
}

function groupOf(device: Device, group: Grouping, rows: ReadonlyMap<string, Device>, { unknown, nowhere = "" }: { unknown: string; nowhere?: string }): [string, string] {
  if (group === "location") return [device.location?.id ?? "", device.location?.path ?? nowhere];
  if (group === "site") return [device.site.id, device.site.name];
  if (group === "firmware") return [device.firmware_version, device.firmware_version || unknown];
  const stack = device.stack ? rows.get(device.stack) : undefined;
  return [device.stack ?? "", stack ? `${stack.name} · ${stack.site.name}` : device.stack ? `${device.site.name} · ${device.stack.slice(-6)}` : unknown];
}

/** Which devices a tool really reaches when this row is ticked: the row itself, else the boxes of the stack. */
export function reachedBy(device: Device, capability: string, children: ReadonlyMap<string, Device[]>): Device[] {
  const can = (each: Device) => each.capabilities[capability] && each.capabilities[capability] !== "unsupported";
  if (can(device)) return [device];
  if (device.kind !== "stack") return [];
  return (children.get(device.id) ?? []).filter((box) => can(box));
}

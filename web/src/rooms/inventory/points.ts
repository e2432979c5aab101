import type { Point } from "@/api/types";

/** One end point: what is gain, what is mute, and whatever else it says. */
export interface EndPoint {
  id: string;
  name: string;
  gain: Point | null;
  mute: Point | null;
  rest: Point[];
}

const NUMBERED = /^[a-z_]+\.\d+/;

export function endPointId(key: string): string {
  return NUMBERED.exec(key)?.[0] ?? key.split(".").slice(0, -1).join(".") ?? key;
}

/** "mic.101" → "Mic 101"; the device's own labels stay on the values. */
export function endPointName(id: string): string {
  const text = id.replace(/[._]/g, " ").trim();
  return text ? text[0]!.toUpperCase() + text.slice(1) : id;
}

/** "Mic/line input 1 gain" and "Mic/line input 1 mute" are of "Mic/line input 1". */
function sharedLabel(end: EndPoint): string {
  const labels = [end.gain, end.mute].filter((point) => point?.label).map((point) => point!.label.replace(/ (gain|mute)$/i, ""));
  return labels.length > 0 && labels.every((label) => label === labels[0]) ? labels[0]! : "";
}

const rank = (id: string) => {
  const order = ["mic", "bfm", "usb_rx", "telco_rx", "voip_rx", "proc", "fader", "output", "speaker"];
  const at = order.indexOf(id.split(".")[0] ?? "");
  return at < 0 ? order.length : at;
};
const collator = new Intl.Collator("en", { numeric: true });

/** Groups by end point; what belongs to none (temperature, uptime) comes apart. */
export function groupPoints(points: Iterable<Point>): { ends: EndPoint[]; others: Point[] } {
  const ends = new Map<string, EndPoint>();
  const others: Point[] = [];
  for (const point of points) {
    if (!NUMBERED.test(point.key)) {
      others.push(point);
      continue;
    }
    const id = endPointId(point.key);
    let end = ends.get(id);
    if (!end) ends.set(id, (end = { id, name: endPointName(id), gain: null, mute: null, rest: [] }));
    const last = point.key.split(".").at(-1);
    if (last === "mute" && point.type === "bool" && !end.mute) end.mute = point;
    else if (last === "gain" && point.type === "number" && !end.gain) end.gain = point;
    else end.rest.push(point);
  }
  for (const end of ends.values()) end.name = sharedLabel(end) || end.name;
  const sorted = [...ends.values()].sort((a, b) => rank(a.id) - rank(b.id) || collator.compare(a.id, b.id));
  others.sort((a, b) => collator.compare(a.key, b.key));
  return { ends: sorted, others };
}

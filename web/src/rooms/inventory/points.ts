import type { Device, Point } from "@/api/types";
import { endPointId, endPointName, isNumbered } from "@/live/keys";
import { isHandedOff } from "@/live/standing";
import type { Worth } from "@/ui";

type Told = Pick<Point, "key" | "type" | "label">;

/** A point as it is shown: with the browser time of its age, and what it is worth. */
export type Live = Omit<Point, "quality"> & { quality: Worth; at: number };

/** Good or old while somebody looks; when nobody does, it says so instead. */
export function worthOf(quality: Worth, device: Pick<Device, "agent" | "reason">): Worth {
  if (quality !== "good" && quality !== "old") return quality;
  if (device.agent?.state === "awaited") return "awaited";
  return isHandedOff(device) ? "handed_off" : quality;
}

/** One end point: what is gain, what is mute, and whatever else it says. */
export interface EndPoint<P extends Told = Live> {
  id: string;
  name: string;
  gain: P | null;
  mute: P | null;
  rest: P[];
}

/** "Mic/line input 1 gain" and "Mic/line input 1 mute" are of "Mic/line input 1". */
function sharedLabel(end: EndPoint<Told>): string {
  const labels = [end.gain, end.mute].filter((point) => point?.label).map((point) => point!.label.replace(/ (gain|mute)$/i, ""));
  return labels.length > 0 && labels.every((label) => label === labels[0]) ? labels[0]! : "";
}

/** Under its end point a point needs not say the end point's name again. */
export function ownLabel(point: Told, end: Pick<EndPoint<Told>, "name">): string {
  const label = point.label || (point.key.split(".").at(-1) ?? point.key);
  return label.startsWith(`${end.name} `) ? label.slice(end.name.length + 1) : label;
}

const rank = (id: string) => {
  const order = ["mic", "bfm", "usb_rx", "telco_rx", "voip_rx", "proc", "fader", "output", "speaker"];
  const at = order.indexOf(id.split(".")[0] ?? "");
  return at < 0 ? order.length : at;
};
const collator = new Intl.Collator("en", { numeric: true });

/** Groups by end point; what belongs to none (temperature, uptime) comes apart. */
export function groupPoints<P extends Told>(points: Iterable<P>): { ends: EndPoint<P>[]; others: P[] } {
  const ends = new Map<string, EndPoint<P>>();
  const others: P[] = [];
  for (const point of points) {
    if (!isNumbered(point.key)) {
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

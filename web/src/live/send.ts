import { query } from "@/api/client";
import type { Device, Place } from "@/api/types";
import { format, locale, reasonText, t } from "@/words";
import { useDevices } from "./hooks";
import { photosOf } from "./photos";
import { above, usePlaces } from "./places";

const MOST = 12;
const RANK: Record<string, number> = { offline: 0, degraded: 1, unknown: 2 };

/** "Name_1 · 128VD · 4471-2338-40: offline since 14:06. Connection refused." */
export function wrongLine(device: Device, now: number): string {
  const what = [device.name, device.model, device.serial_number].filter(Boolean).join(" · ");
  const since = device.since ? ` ${t("send.since", { time: format.moment(locale(), device.since, now, device.site.zone) })}` : "";
  return [`${what}: ${t(`status.${device.status}`)}${since}.`, reasonText(device.reason)].filter(Boolean).join(" ");
}

/** What is not online, the worst first, boxes before the stacks they make up; of many the first dozen. */
export function wrongLines(devices: Iterable<Device>, now: number): string[] {
  const wrong = [...devices].filter((device) => device.status !== "online" && device.kind !== "stack").sort((a, b) => (RANK[a.status] ?? 3) - (RANK[b.status] ?? 3) || a.name.localeCompare(b.name));
  const shown = wrong.slice(0, MOST).map((device) => wrongLine(device, now));
  return wrong.length > MOST ? [...shown, t("tools.and_more", { n: wrong.length - MOST })] : shown;
}

/** What somebody sent there must know. With `device` it is about that one alone. Null while the place is not known. */
export function useErrand(id: string | null, device?: Device) {
  const store = usePlaces(id !== null);
  const devices = useDevices(id === null || device ? null : query({ kind: "pro_audio", location: id, status: "offline,degraded,unknown" }));
  const place: Place | undefined = id === null ? undefined : store.rows.get(id);
  if (!place) return null;
  const floor = above(store.rows, place.id).find((each) => each.kind === "floor");
  const now = Date.now();
  return {
    name: place.name,
    path: place.path,
    address: place.address,
    floor: floor?.name ?? "",
    contact: place.contact,
    notes: place.notes,
    zone: place.zone,
    url: `${location.origin}/locations/${place.id}`,
    photos: photosOf(place),
    wrong: device ? wrongLines([device], now) : devices.ready ? wrongLines(devices.rows.values(), now) : null,
  };
}

import { expect, test } from "vitest";
import type { Place } from "@/api/types";
import { childrenOf, found, inheritedFrom, isUnder, placeLines, PlacesStore, worstWay } from "@/live/places";
import { qrPath } from "@/ui/label";
import decodeQR from "qr/decode.js";
import { applyList, type ListState } from "@/live/patch";
import { detail } from "@/rooms/inventory/place-import";

const place = (id: string, parent: string | null, fields: Partial<Place> = {}): Place =>
  ({ id, parent, name: id, path: id, kind: "room", zone: "", address: "", contact: "", own: [], notes: "", children: 0, rooms: 0, devices: {}, worst: null, created: null, ...fields }) as Place;

const places = [
  place("uk", null, { worst: "offline", devices: { online: 3, offline: 1 }, own: ["zone", "contact"], zone: "Europe/London", path: "UK" }),
  place("hq", "uk", { worst: "offline", devices: { online: 1, offline: 1 }, path: "UK > HQ" }),
  place("4.2", "hq", { worst: "online", devices: { online: 1 }, path: "UK > HQ > 4.2" }),
  place("4.12", "hq", { worst: "offline", devices: { offline: 1 }, path: "UK > HQ > 4.12", own: ["contact"] }),
  place("york", "uk", { worst: "online", devices: { online: 2 }, path: "UK > York" }),
  place("de", null, { worst: "unknown", devices: { unknown: 9 }, path: "DE" }),
];
const rows = new Map(places.map((each) => [each.id, each]));
const ids = (lines: { id: string }[]) => lines.map((line) => line.id);

test("the way to the worst, and nothing where all is well", () => {
  expect(worstWay(childrenOf(places))).toEqual(["uk", "hq", "4.12"]);
  expect(worstWay(childrenOf(places.filter((each) => each.worst === "online")))).toEqual([]);
  const alike = [place("few", null, { worst: "degraded", devices: { degraded: 1 } }), place("many", null, { worst: "degraded", devices: { degraded: 4 } })];
  expect(worstWay(childrenOf(alike))).toEqual(["many"]);
});

test("lines of the tree: what is open, what a search finds, and what lies below one place", () => {
  expect(ids(placeLines(places, () => false))).toEqual(["uk", "de"]);
  const open = placeLines(places, (id) => id === "uk");
  expect(open.map((line) => [line.id, line.depth, line.opens])).toEqual([["uk", 0, true], ["hq", 1, true], ["york", 1, false], ["de", 0, false]]);
  expect(ids(placeLines(places, () => false, "hq 12"))).toEqual(["uk", "hq", "4.12"]);
  expect(ids(placeLines(places, () => true, "", "hq"))).toEqual(["4.2", "4.12"]);
  expect(found(rows.get("4.12")!, "12 UK")).toBe(true);
  expect(found(rows.get("4.12")!, "york")).toBe(false);
});

test("a place whose way up is hidden stands at the top", () => {
  expect(ids(placeLines([rows.get("4.2")!], () => false))).toEqual(["4.2"]);
});

test("what is inherited says from where", () => {
  expect(inheritedFrom(rows, rows.get("4.12")!, "zone")?.id).toBe("uk");
  expect(inheritedFrom(rows, rows.get("4.12")!, "contact")).toBeUndefined();
  expect(inheritedFrom(rows, rows.get("de")!, "zone")).toBeUndefined();
  expect([isUnder(rows, "4.12", "uk"), isUnder(rows, "uk", "4.12")]).toEqual([true, false]);
});

test("the live topic: whole items, their order, and how many are nowhere", () => {
  const store = new PlacesStore();
  const say = (type: "snapshot" | "change" | "gone", data: unknown) => store.apply({ topic: "locations", type, data });
  say("snapshot", { items: places.slice(0, 3), unplaced: 7 });
  say("change", { items: [place("hq2", "uk", { path: "UK > HQ2" })], unplaced: 5, order: ["uk", "hq2", "hq", "4.2"] });
  expect([ids(store.all), store.unplaced]).toEqual([["uk", "hq2", "hq", "4.2"], 5]);
  say("gone", { ids: ["4.2"] });
  expect(ids(store.all)).toEqual(["uk", "hq2", "hq"]);
});

test("a patch of a device that is not in the list stays out of it", () => {
  const state: ListState<Place> = { rows: new Map(), total: 0, next: null };
  applyList(state as never, { topic: "list:", type: "change", data: { items: [{ id: "dev_1", location: null, status: "online" }] } }, 0);
  expect(state.rows.size).toBe(0);
});

test("the code on a label reads as the address it was made of", () => {
  const url = "https://av.example.com/locations/loc_01k871hav8ep1ajiog8rvvviht";
  const { path, size } = qrPath(url);
  const zoom = 4;
  const side = size * zoom;
  const data = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)v1H\d+z/g))
    for (let at = Number(x) * zoom; at < (Number(x) + Number(run)) * zoom; at += 1)
      for (let line = Number(y) * zoom; line < (Number(y) + 1) * zoom; line += 1) data.fill(0, (line * side + at) * 4, (line * side + at) * 4 + 3);
  expect(decodeQR({ width: side, height: side, data })).toBe(url);
});

test("a step of an import says what was there before", () => {
  const step = { line: 2, path: "HQ > 4", device: null, device_name: "", fields: {}, before: {} };
  expect(detail({ ...step, act: "change", fields: { kind: "room", zone: "Europe/London" }, before: { kind: "floor", zone: "" } })).toBe("Kind: floor → room · Time zone: – → Europe/London");
  expect(detail({ ...step, act: "add", fields: { parent: "loc_1", name: "4", kind: "floor" } })).toBe("floor");
  expect(detail({ ...step, act: "put", device: "dev_1", device_name: "Name_1", before: { path: "Lab" } })).toBe("Name_1 (now at Lab)");
  expect(detail({ ...step, act: "put", device: "dev_1", device_name: "Name_1", before: { path: "" } })).toBe("Name_1");
});

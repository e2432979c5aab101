import { expect, test } from "vitest";
import type { Device, Point } from "@/api/types";
import { query } from "@/api/client";
import { shortSerial } from "@/live/names";
import { buildTree, reachedBy, shownOf } from "@/rooms/inventory/tree";
import { groupPoints, ownLabel } from "@/rooms/inventory/points";
import { changesBetween, longestRise } from "@/ui/order";
import { parseSearch, stringifySearch } from "@/ui/place";

const device = (id: string, fields: Partial<Device> = {}): Device =>
  ({ id, kind: "mixer", name: id, model: "", serial_number: "", firmware_version: "", address: "", status: "online", boxes: [], box_number: 0, position: 0, children: 0, stack: null, parent: null, locate: null, capabilities: {}, site: { id: "s1", name: "London", zone: "" }, agent: null, ...fields }) as Device;
const rows = new Map(
  [
    device("stack-b", { kind: "stack", boxes: ["1", "2"] }),
    device("box-2", { stack: "stack-b", parent: "stack-b", box_number: 2, firmware_version: "7" }),
    device("box-1", { stack: "stack-b", parent: "stack-b", box_number: 1, firmware_version: "7", model: "128V", capabilities: { locate: "assumed" } }),
    device("mic", { kind: "microphone", stack: "stack-b", parent: "box-1" }),
    device("stack-a", { kind: "stack", status: "offline", site: { id: "s2", name: "Sydney", zone: "" } }),
  ].map((each) => [each.id, each]),
);
const options = { group: "" as const, sort: "status", down: false, open: new Set<string>() };

test("worst first; a stack opens to boxes in their order, a box to its chain", () => {
  expect(buildTree(rows, options).lines.map((line) => line.key)).toEqual(["stack-a", "stack-b"]);
  const open = buildTree(rows, { ...options, open: new Set(["stack-b", "box-1"]) });
  expect(open.lines.map((line) => [line.key, line.depth])).toEqual([["stack-a", 0], ["stack-b", 0], ["box-1", 1], ["mic", 2], ["box-2", 1]]);
});

test("a box whose stack is filtered away stands by itself", () => {
  const few = new Map([["mic", rows.get("mic")!], ["box-2", rows.get("box-2")!]]);
  expect(buildTree(few, { ...options, sort: "name" }).lines.map((line) => line.depth)).toEqual([0, 0]);
});

test("groups by site, and by firmware without the stacks", () => {
  expect(buildTree(rows, { ...options, group: "site" }).lines.map((line) => line.group?.name ?? line.key)).toEqual(["London", "stack-b", "Sydney", "stack-a"]);
  expect(buildTree(rows, { ...options, group: "firmware", names: { unknown: "unknown" } }).lines.filter((line) => line.group).map((line) => [line.group!.name, line.group!.ids.length])).toEqual([["7", 2], ["unknown", 1]]);
});

test("what a stack shows of its boxes, and which of them a tool reaches", () => {
  const { children } = buildTree(rows, options);
  const stack = rows.get("stack-b")!;
  expect(shownOf(stack, children.get("stack-b")!)).toMatchObject({ firmware: "7", model: "128V", serial: "1", more: 1 });
  expect(reachedBy(stack, "locate", children).map((each) => each.id)).toEqual(["box-1"]);
  expect(shortSerial("4471-2338-40")).toBe("…2338-40");
});

test("what hangs on a box is no part of its stack, and boxes that are filtered away still say what the stack is", () => {
  const stack = rows.get("stack-b")!;
  expect(shownOf(stack, [rows.get("box-1")!, device("m", { kind: "microphone", model: "BMA360" })]).model).toBe("128V");
  const few = new Map([["stack-b", stack], ["stack-a", rows.get("stack-a")!]]);
  const boxes = new Map([["stack-b", [rows.get("box-1")!]]]);
  expect(buildTree(few, { ...options, sort: "model", boxes }).lines.map((line) => line.key)).toEqual(["stack-a", "stack-b"]);
});

test("points by end point", () => {
  const point = (key: string, type: Point["type"], label = "") => ({ key, type, label }) as Point;
  const { ends, others } = groupPoints([point("output.101.level.gain", "number"), point("mic.102.level.mute", "bool", "Mic 2 mute"), point("mic.102.level.gain", "number", "Mic 2 gain"), point("unit.temp", "number"), point("mic.101.level.phantom", "bool")]);
  expect(ends.map((end) => end.name)).toEqual(["Mic 101", "Mic 2", "Output 101"]);
  expect(ends[1]).toMatchObject({ gain: { key: "mic.102.level.gain" }, mute: { key: "mic.102.level.mute" }, rest: [] });
  expect(others.map((each) => each.key)).toEqual(["unit.temp"]);
  expect(ownLabel(point("mic.102.level.phan_pwr", "bool", "Mic 2 phantom power"), ends[1]!)).toBe("phantom power");
  expect(ownLabel(point("mic.101.level.phantom", "bool"), ends[0]!)).toBe("phantom");
});

test("how many rows changed their order", () => {
  expect(changesBetween(["a", "b", "c", "d"], ["d", "a", "b", "c"])).toBe(1);
  expect(changesBetween(["a", "b"], ["a", "x"])).toBe(2);
  expect(changesBetween(["a", "b"], ["a", "b"])).toBe(0);
  expect(longestRise([3, 1, 2, 5, 4])).toBe(3);
});

test("filters in the address", () => {
  expect(query({ status: "offline,degraded", q: "", kind: "mixer" })).toBe("kind=mixer&status=offline,degraded");
  expect(parseSearch("?q=0123&status=a,b")).toEqual({ q: "0123", status: "a,b" });
  expect(stringifySearch({ q: "", status: "a,b" })).toBe("?status=a,b");
});

import { expect, test, vi } from "vitest";
import type { Device, Fact, Point } from "@/api/types";
import { Away } from "@/live/away";
import { factText, foldFacts } from "@/live/facts";
import { keyName } from "@/live/keys";
import { fullName, placeOf } from "@/live/names";
import { deedOf, handOffOf, restartOf, RESTART_MS, type Deed } from "@/live/standing";

const T = Date.parse("2026-11-24T09:00:00.000Z");
const iso = (ms: number) => new Date(ms).toISOString();
const reason = (code: string) => ({ code, params: {}, text: code });
const deed = (fields: Partial<Deed>): Deed => ({ id: "cmd_1", device: "box", capability: "reboot", minutes: 0, status: "sent", person: "Ana", asked: iso(T), ended: null, ...fields });

test("a line that is handed off: the site says that, the instruction until when and by whom", () => {
  const off = { reason: reason("hands_off") };
  const given = deed({ capability: "hands_off", minutes: 15, status: "done", ended: iso(T) });
  expect(handOffOf(off, given, T + 60_000)).toEqual({ until: T + 15 * 60_000, person: "Ana" });
  expect(handOffOf({ reason: null }, given, T)).toBe(null);
  // the instruction that is known has run out: the present one was given where this hub does not hear
  expect(handOffOf(off, given, T + 3_600_000)).toEqual({ until: null, person: null });
  expect(handOffOf(off, undefined, T)).toEqual({ until: null, person: null });
});

test("a device is restarting from the answer on until it is back, and not for ever", () => {
  const away = { status: "offline" as const, since: iso(T + 1_000), reason: reason("connection_refused") };
  expect(restartOf(away, deed({}), T + 5_000)).toEqual({ since: iso(T), person: "Ana" });
  expect(restartOf({ ...away, status: "online" }, deed({}), T + 5_000)).toBe(null);
  expect(restartOf({ ...away, status: "degraded", reason: reason("starting") }, deed({}), T + 5_000)).not.toBe(null);
  expect(restartOf({ ...away, status: "degraded", reason: reason("peripheral_gone") }, deed({}), T + 5_000)).toBe(null);
  // away before it was asked: a restart does not explain that
  expect(restartOf({ ...away, since: iso(T - 60_000) }, deed({}), T + 5_000)).toBe(null);
  expect(restartOf(away, deed({ status: "refused", ended: iso(T) }), T + 5_000)).toBe(null);
  expect(restartOf(away, deed({ status: "uncertain", ended: iso(T + 2_000) }), T + 5_000)).not.toBe(null);
  expect(restartOf(away, deed({ status: "uncertain", ended: iso(T + 2_000) }), T + RESTART_MS + 1)).toBe(null);
  // it had come back, and went again: that is another story
  expect(restartOf({ ...away, since: iso(T + 90_000) }, deed({ status: "done", ended: iso(T + 60_000) }), T + 95_000)).toBe(null);
});

const fact = (id: number, type: string, data: Fact["data"]): Fact => ({ id, time: iso(T + id * 1_000), received: iso(T), type, site: "s", device: "box", data });

test("what is told of an instruction, step by step", () => {
  const asked = deedOf(fact(1, "command.accepted", { id: "c", capability: "hands_off", arguments: { minutes: 15 }, status: "accepted", person: "Ana" }))!;
  const ended = deedOf(fact(2, "command.ended", { id: "c", capability: "hands_off", arguments: { minutes: 15 }, state: "done" }), asked);
  expect(ended).toMatchObject({ minutes: 15, status: "done", person: "Ana", asked: iso(T + 1_000), ended: iso(T + 2_000) });
  expect(deedOf(fact(3, "command.ended", { id: "d", capability: "locate", arguments: {} }))).toBe(null);
});

test("one line for each instruction, with what was before and what it was set to", () => {
  const control = { id: "c", capability: "control", arguments: { key: "mic.112.level.gain", value: -6 }, person: "Ana" };
  const facts = [fact(5, "device.status", { status: "online" }), fact(4, "command.ended", { ...control, status: "done" }), fact(3, "command.sent", { ...control, status: "sent" }), fact(2, "command.accepted", { ...control, status: "accepted" }), fact(1, "command.accepted", { id: "open", capability: "reboot", arguments: {}, status: "accepted", person: "Lee" })];
  const told = foldFacts(facts);
  expect(told.map((each) => each.id)).toEqual([5, 4, 1]);
  const points = new Map([["mic.112.level.gain", { key: "mic.112.level.gain", label: "Mic/line input 12 gain", unit: "dB", step: 0.5 } as Point]]);
  const commands = new Map([["c", { undo: { capability: "control", arguments: { key: "mic.112.level.gain", value: 0 } } }]]);
  expect(factText(told[1]!, { points, commands })).toBe("Mic/line input 12 gain: 0.0 dB → −6.0 dB · done · Ana");
  expect(factText(told[1]!, { device: "Name_1 · London" })).toBe("Name_1 · London · Mic 112 gain: → −6.0 dB · done · Ana");
  expect(factText(told[2]!)).toBe("Reboot · asked · Lee");
  expect(factText(fact(6, "command.ended", { id: "x", capability: "control", arguments: { key: "mic.101.level.mute", value: true }, status: "expired", reason: { code: "expired", params: {}, text: "Nobody answered in time." } }))).toBe("Mic 101 mute: → Muted · expired · Nobody answered in time.");
  expect(keyName("unit.temp")).toBe("Unit temp");
});

test("two devices never read alike", () => {
  const site = { id: "s", name: "London", zone: "" };
  const box = { id: "b", kind: "mixer", name: "Name_1", model: "128V", address: "", serial_number: "4471-2338-40", boxes: [], site } as unknown as Device;
  const stack = { id: "k", kind: "stack", name: "Boardroom", model: "", address: "", serial_number: "", boxes: ["4471-2338-40", "4471-2339-40"], site } as unknown as Device;
  expect(fullName(box, stack)).toBe("Name_1 · Boardroom · London · …2338-40");
  expect(placeOf(stack, stack)).toBe("London · …2338-40");
});

test("a hiccup of the line is nobody's business, a lost hub is", () => {
  vi.useFakeTimers();
  const watchers: (() => void)[] = [];
  const line = { line: { state: "open" as "open" | "lost" | "idle", heard: T }, watch: (listener: () => void) => (watchers.push(listener), () => undefined) };
  const away = new Away(line);
  const say = (state: "open" | "lost") => {
    line.line = { state, heard: T };
    watchers.forEach((each) => each());
  };
  say("lost");
  vi.advanceTimersByTime(1_000);
  say("open");
  vi.advanceTimersByTime(5_000);
  expect(away.get()).toBe(null);
  say("lost");
  vi.advanceTimersByTime(1_000);
  say("lost"); // each failed attempt says it again; the patience is counted once
  vi.advanceTimersByTime(600);
  expect(away.get()).toBe(T);
  say("open");
  expect(away.get()).toBe(null);
  vi.useRealTimers();
});

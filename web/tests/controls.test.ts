import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/client";
import type { Command, Device, Point } from "@/api/types";
import { commands, mayRetry, newest, phaseOf, type Asked } from "@/live/commands";
import { outcomeOf } from "@/live/outcome";
import { newerThan } from "@/live/undo";
import { worthOf } from "@/rooms/inventory/points";
import { countText } from "@/rooms/inventory/tree";
import { whyNot } from "@/rooms/inventory/why";
import { numberOf } from "@/ui/control";
import { tailOf } from "@/ui/middle";

const command = (fields: Partial<Command> = {}): Command => ({ id: "cmd_own", device: "d", capability: "control", arguments: { key: "g", value: -3 }, status: "done", reason: null, result: null, person: "Ana", asked: "2026-01-01T00:00:01.000Z", deadline: null, ended: "2026-01-01T00:00:02.000Z", assumed: false, undo: { capability: "control", arguments: { key: "g", value: 0 } }, ...fields });
const asked = (fields: Partial<Asked> = {}): Asked => ({ key: "k", device: "d", capability: "control", arguments: { key: "g", value: -3 }, at: 0, command: command(), error: null, undone: false, ...fields });

afterEach(() => {
  vi.unstubAllGlobals();
  commands.clear();
});

test("what a person types as a number", () => {
  expect(["-3", "−3,5", " +2.5 dB", "- 4", ".5", "20dB"].map((typed) => numberOf(typed, "dB"))).toEqual([-3, -3.5, 2.5, -4, 0.5, 20]);
  expect(["", "loud", "1e3", "3 m", "--3", "1,2,3"].map((typed) => numberOf(typed, "dB"))).toEqual([null, null, null, null, null, null]);
});

test("the end of a name that tells it from its neighbours", () => {
  expect(["Mic/line input 12", "Mic/line input 1 gain", "Lectern_12", "Reboot · Name_1 · Hudson · …2403-40", "Temperature", "12"].map(tailOf)).toEqual([" 12", " 1 gain", "_12", " …2403-40", "", ""]);
});

test("nobody answered: not sent, and the same key again", async () => {
  const keys: string[] = [];
  let up = false;
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    const key = (init.headers as Record<string, string>)["Idempotency-Key"];
    if (key) keys.push(key);
    if (!up) return Promise.reject(new TypeError("Failed to fetch"));
    const body = path.endsWith("/commands") ? { id: "cmd_1", status: "accepted" } : { ...command({ id: "cmd_1", arguments: { key: "g", value: -3 } }) };
    return Promise.resolve(new Response(JSON.stringify(body), { status: 200, headers: { "Content-Type": "application/json" } }));
  });
  await commands.ask("dev_1", "control", { key: "g", value: -3 });
  const first = commands.items[0]!;
  expect(outcomeOf(first)).toMatchObject({ phase: "not_sent", text: "the hub does not answer." });
  up = true;
  outcomeOf(first).retry!();
  expect(outcomeOf(commands.items[0]!).phase).toBe("asked");
  await vi.waitFor(() => expect(outcomeOf(commands.items[0]!, { value: -3, time: "2026-01-01T00:00:03.000Z" }).phase).toBe("done"));
  expect(commands.items).toHaveLength(1);
  expect(new Set(keys).size).toBe(1);
  expect(keys).toHaveLength(2);
});

test("a hub that may have got it is not called silent, and a refusal is not tried again", () => {
  const error = (status: number, code: string) => new ApiError({ title: "", status, code, detail: "No." });
  expect(outcomeOf(asked({ command: null, error: error(0, "hub_timed_out") })).phase).toBe("uncertain");
  expect(mayRetry(asked({ command: null, error: error(0, "hub_timed_out") }))).toBe(true);
  expect(mayRetry(asked({ command: null, error: error(503, "unavailable") }))).toBe(true);
  expect(mayRetry(asked({ command: null, error: error(403, "forbidden") }))).toBe(false);
});

test("what has ended is never open again, though word of it may overtake", () => {
  const done = command();
  expect(newest(done, command({ status: "sent", ended: null }))).toBe(done);
  expect(newest(command({ status: "expired" }), done).status).toBe("done");
  expect(newest(null, done)).toEqual(done);
});

test("why it waits stands beside asked; a reading that stays away is said", () => {
  const waiting = command({ status: "accepted", ended: null, reason: { code: "agent_lost", params: {}, text: "The server London is out of contact; it is asked when it is back." } });
  expect(outcomeOf(asked({ command: waiting }))).toMatchObject({ phase: "asked", text: "The server London is out of contact; it is asked when it is back." });
  const end = Date.parse("2026-01-01T00:00:02.000Z");
  expect(phaseOf(command(), null, -3, 0, "2026-01-01T00:00:01.500Z", end + 20_000)).toBe("reading");
  expect(phaseOf(command(), null, -3, 0, "2026-01-01T00:00:01.500Z", end + 61_000)).toBe("unread");
  expect(phaseOf(command({ capability: "locate" }), null, true, false, null, end + 16_000)).toBe("other");
});

test("an undo asks first when somebody else, or somebody at the device, came between", () => {
  const point = (fields: Partial<Point>) => ({ value: -3, origin: { command: "cmd_own", person: "Ana" }, changed: "2026-01-01T00:00:02.000Z", ...fields }) as Point;
  expect(newerThan(asked(), point({}))).toBe(null);
  expect(newerThan(asked(), point({ value: -10, origin: { command: "cmd_b", person: "Sam" }, changed: "2026-01-01T00:05:00.000Z" }))).toMatchObject({ value: -10, person: "Sam", device: false });
  expect(newerThan(asked(), point({ value: -10, origin: "device", changed: "2026-01-01T00:05:00.000Z" }))).toMatchObject({ person: null, device: true });
  // the same value, but on somebody else's word
  expect(newerThan(asked(), point({ origin: { command: "cmd_b", person: "Sam" }, changed: "2026-01-01T00:05:00.000Z" }))).not.toBe(null);
  const newer = newerThan(asked(), point({ value: -10, origin: { command: "cmd_b", person: "Sam" }, changed: "2026-01-01T00:05:00.000Z" }));
  expect(outcomeOf(asked(), { value: -10, time: "2026-01-01T00:05:01.000Z", shown: "−10.0 dB", newer })).toMatchObject({ phase: "other", text: "Sam has set it to −10.0 dB since." });
});

test("why nothing can be asked, and what values are worth meanwhile", () => {
  const device = (fields: Partial<Device> = {}) => ({ agent: { id: "a", name: "London", state: "connected" }, reason: null, ...fields }) as Device;
  const free = { may: true, away: false, special: { handOff: null, restart: null } };
  expect(whyNot(device(), free)).toBe(null);
  expect(whyNot(device(), { ...free, away: true })).toBe("The hub does not answer.");
  expect(whyNot(device({ agent: { id: "a", name: "London", state: "awaited" } }), free)).toMatch(/not back yet/);
  expect(whyNot(device({ agent: { id: "a", name: "London", state: "lost" } }), free)).toMatch(/out of contact/);
  const off = device({ reason: { code: "hands_off", params: {}, text: "" } });
  expect(whyNot(off, free)).toBe("The line is handed off.");
  expect(whyNot(device(), { ...free, special: { handOff: null, restart: { since: "", person: null } } })).toBe("It is restarting.");
  expect([worthOf("good", off), worthOf("unsupported", off), worthOf("old", device({ agent: { id: "a", name: "London", state: "awaited" } })), worthOf("good", device())]).toEqual(["handed_off", "unsupported", "awaited", "good"]);
});

test("stacks and devices are counted apart", () => {
  expect(countText([{ kind: "stack" }, { kind: "mixer" }, { kind: "microphone" }])).toBe("1 stack, 2 devices");
  expect(countText([{ kind: "mixer" }])).toBe("1 device");
  expect(countText([])).toBe("0 devices");
});

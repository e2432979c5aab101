import { describe, expect, test, vi } from "vitest";
import { ageOf, applyDevice, applyList, joinCommands, merge, type DeviceState, type ListState } from "@/live/patch";
import { Live } from "@/live/socket";
import { latestFor, phaseOf, type Asked } from "@/live/commands";
import type { Command } from "@/api/types";

type Row = Record<string, unknown> & { id: string; status?: string; age_s?: number };
const empty = (): ListState<Row> => ({ rows: new Map(), total: 0, next: null });

describe("a list", () => {
  test("snapshot, change, new, gone", () => {
    const list = empty();
    applyList(list, { topic: "l", type: "snapshot", seq: 1, data: { items: [{ id: "a", status: "online", age_s: 2 }], total: 1, next: null } }, 1000);
    expect(list.rows.get("a")).toMatchObject({ status: "online", at: 1000 });

    const changed = applyList(list, { topic: "l", type: "change", seq: 2, data: { items: [{ id: "a", status: "offline" }] } }, 5000);
    expect(changed).toEqual({ touched: ["a"], shape: false });
    expect(list.rows.get("a")).toMatchObject({ status: "offline", age_s: 2, at: 1000 });

    const came = applyList(list, { topic: "l", type: "change", seq: 3, data: { items: [{ id: "b", status: "online", new: true }], total: 2 } }, 6000);
    expect(came.shape).toBe(true);
    expect(list.rows.get("b")).not.toHaveProperty("new");
    expect(list.total).toBe(2);

    applyList(list, { topic: "l", type: "gone", seq: 4, data: { ids: ["a"], total: 1 } }, 7000);
    expect([...list.rows.keys()]).toEqual(["b"]);
  });

  test("changed fields of a row never seen are left alone", () => {
    const list = empty();
    applyList(list, { topic: "l", type: "change", seq: 2, data: { items: [{ id: "x", status: "offline" }] } }, 1);
    expect(list.rows.size).toBe(0);
  });
});

describe("ages", () => {
  test("count on from arrival", () => {
    expect(ageOf({ age_s: 2, at: 1000 }, 4000)).toBe(5);
    expect(ageOf({ age_s: null, at: 1000 }, 4000)).toBe(null);
  });
  test("a new time without an age starts at nought; other fields leave the age alone", () => {
    const old = merge<{ time: string; age_s: number; value: number }>(undefined, { time: "1", age_s: 9, value: 1 }, 1000);
    expect(merge(old, { time: "2", value: 2 }, 8000)).toMatchObject({ age_s: 0, at: 8000, value: 2 });
    expect(merge(old, { value: 3 }, 8000)).toMatchObject({ age_s: 9, at: 1000 });
  });
});

test("a device takes only the parts that changed", () => {
  type S = DeviceState<{ status: string }, { key: string; value: number }, { id: string; asked: string; status: string }>;
  let state: S = { device: null, points: new Map(), commands: [] };
  state = applyDevice(state, { topic: "d", type: "snapshot", data: { device: { status: "online" }, points: [{ key: "g", value: 1 }, { key: "m", value: 0 }], commands: [{ id: "c1", asked: "1", status: "sent" }] } }, 1);
  const mute = state.points.get("m");
  state = applyDevice(state, { topic: "d", type: "change", data: { points: [{ key: "g", value: 2 }], commands: [{ id: "c1", asked: "1", status: "done" }] } }, 2);
  expect(state.device?.status).toBe("online");
  expect(state.points.get("g")?.value).toBe(2);
  expect(state.points.get("m")).toBe(mute);
  expect(state.commands).toEqual([{ id: "c1", asked: "1", status: "done" }]);
  expect(joinCommands([{ id: "a", asked: "1" }], [{ id: "b", asked: "2" }]).map((c) => c.id)).toEqual(["b", "a"]);
});

function wire() {
  const sockets: { sent: object[]; readyState: number; onopen?: () => void; onmessage?: (e: { data: string }) => void; onclose?: () => void; send: (t: string) => void; close: () => void }[] = [];
  const open = () => {
    const socket = { sent: [] as object[], readyState: 1, send: (text: string) => void socket.sent.push(JSON.parse(text) as object), close: () => undefined } as (typeof sockets)[number];
    sockets.push(socket);
    return socket as never;
  };
  return { sockets, open };
}

describe("the socket", () => {
  test("a second reader hears nothing of a topic before its own snapshot; the first goes on hearing all", () => {
    vi.useFakeTimers();
    const { sockets, open } = wire();
    const live = new Live(open, Date.now, () => 0);
    const heard: Record<string, unknown[]> = { first: [], second: [] };
    live.start();
    sockets[0]!.onopen!();
    const say = (type: string, seq: number, data: unknown) => sockets[0]!.onmessage!({ data: JSON.stringify({ topic: "summary", type, seq, data }) });
    live.hold("summary", { apply: (message) => heard.first!.push(message.data) });
    say("snapshot", 1, "s");
    live.hold("summary", { apply: (message) => heard.second!.push(message.data) });
    say("change", 2, "was on its way");
    expect(heard).toEqual({ first: ["s", "was on its way"], second: [] });
    say("snapshot", 1, "again");
    say("change", 2, "next");
    expect(heard).toEqual({ first: ["s", "was on its way", "again", "next"], second: ["again", "next"] });
    live.stop();
    vi.useRealTimers();
  });

  test("subscribes on opening, again after a gap and after a reconnect", () => {
    vi.useFakeTimers();
    const { sockets, open } = wire();
    const live = new Live(open, Date.now, () => 0);
    const seen: unknown[] = [];
    live.start();
    live.hold("summary", { apply: (message) => seen.push(message.data) });
    const first = sockets[0]!;
    first.onopen!();
    expect(first.sent.at(-1)).toEqual({ subscribe: ["summary"] });
    const say = (type: string, seq: number, data: unknown) => first.onmessage!({ data: JSON.stringify({ topic: "summary", type, seq, data }) });
    say("snapshot", 1, "s");
    say("change", 2, "c");
    say("change", 4, "lost one");
    expect(seen).toEqual(["s", "c"]);
    expect(first.sent.slice(-2)).toEqual([{ unsubscribe: ["summary"] }, { subscribe: ["summary"] }]);
    say("change", 5, "before the snapshot");
    say("snapshot", 1, "again");
    expect(seen).toEqual(["s", "c", "again"]);

    first.onclose!();
    expect(live.line.state).toBe("lost");
    vi.advanceTimersByTime(1000);
    sockets[1]!.onopen!();
    expect(live.line.state).toBe("open");
    expect(sockets[1]!.sent.at(-1)).toEqual({ subscribe: ["summary"] });
    live.stop();
    vi.useRealTimers();
  });

  test("a hub that hangs is noticed without its goodbye, and is back as soon as it answers again", () => {
    vi.useFakeTimers();
    const { sockets, open } = wire();
    const live = new Live(open, Date.now, () => 0);
    live.start();
    sockets[0]!.onopen!();
    const pings = () => sockets[0]!.sent.filter((each) => "ping" in each).length;
    vi.advanceTimersByTime(5_000);
    expect(pings()).toBe(1);
    sockets[0]!.onmessage!({ data: '{"pong":1}' });
    vi.advanceTimersByTime(5_000);
    expect([pings(), live.line.state]).toEqual([2, "open"]);
    // no more answers, and the close is not answered either
    vi.advanceTimersByTime(11_000);
    expect(live.line.state).toBe("lost");
    // one that does not open is given up for another
    const tried = sockets.length;
    vi.advanceTimersByTime(40_000);
    expect(sockets.length).toBeGreaterThan(tried);
    expect(live.line.state).toBe("lost");
    // the old one speaks too late
    sockets[0]!.onmessage!({ data: '{"pong":1}' });
    sockets[0]!.onclose?.();
    expect(live.line.state).toBe("lost");
    sockets.at(-1)!.onopen!();
    expect(live.line.state).toBe("open");
    live.stop();
    vi.useRealTimers();
  });

  test("a hidden page, whose clock ticks once a minute, is not taken for a lost line", () => {
    let tick = () => {};
    const every = vi.spyOn(globalThis, "setInterval").mockImplementation(((run: () => void) => ((tick = run), 1)) as never);
    const { sockets, open } = wire();
    let now = 1_000;
    const live = new Live(open, () => now, () => 0);
    live.start();
    sockets[0]!.onopen!();
    for (let minute = 0; minute < 3; minute += 1) {
      now += 60_000;
      tick();
      sockets[0]!.onmessage!({ data: '{"pong":1}' });
      expect(live.line.state).toBe("open");
    }
    live.stop();
    every.mockRestore();
  });

  test("leaves a topic a moment after its last reader", () => {
    vi.useFakeTimers();
    const { sockets, open } = wire();
    const live = new Live(open);
    live.start();
    sockets[0]!.onopen!();
    const leave = live.hold("agents", { apply: () => undefined });
    leave();
    vi.advanceTimersByTime(10_000);
    expect(sockets[0]!.sent).toContainEqual({ unsubscribe: ["agents"] });
    live.stop();
    vi.useRealTimers();
  });
});

describe("asked is not done", () => {
  const command = (status: Command["status"], ended: string | null = "2026-01-01T00:00:02.000Z") =>
    ({ id: "c", device: "d", capability: "control", arguments: { key: "g", value: -3 }, status, asked: "2026-01-01T00:00:01.000Z", ended, reason: null, result: null, person: "", deadline: null, assumed: false, undo: null }) satisfies Command;
  test("words", () => {
    expect(phaseOf(null, null, -3, 0)).toBe("asked");
    expect(phaseOf(command("sent", null), null, -3, 0)).toBe("asked");
    expect(phaseOf(command("done"), null, -3, 0, "2026-01-01T00:00:01.500Z")).toBe("reading");
    expect(phaseOf(command("done"), null, -3, -3, "2026-01-01T00:00:02.500Z")).toBe("done");
    expect(phaseOf(command("done"), null, -3, 0, "2026-01-01T00:00:02.500Z")).toBe("other");
    for (const state of ["failed", "expired", "unsupported", "refused", "uncertain"] as const) expect(phaseOf(command(state), null)).toBe(state);
    expect(phaseOf(null, { code: "not_supported", status: 409 } as never)).toBe("unsupported");
    expect(phaseOf(null, { code: "forbidden", status: 403 } as never)).toBe("refused");
  });
  test("somebody else's open instruction shows too", () => {
    const own: Asked = { key: "k", device: "d", capability: "control", arguments: { key: "g" }, at: Date.parse("2025-01-01"), command: null, error: null, undone: false };
    expect(latestFor([own], [command("sent", null)], "d", "control", { key: "g" })?.key).toBe("c");
    expect(latestFor([own], [command("done")], "d", "control", { key: "g" })?.key).toBe("k");
    expect(latestFor([own], [], "d", "control", { key: "other" })).toBe(null);
  });
});

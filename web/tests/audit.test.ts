import { expect, test } from "vitest";
import type { AccessLine, AuditAct } from "@/api/types";
import { joined, PAGE, Reading, type Found } from "@/live/acts";
import { changeText, differences } from "@/rooms/audit/fields";
import { actWord, question, subjectName } from "@/rooms/audit/words";
import { leftOf, whereOf } from "@/rooms/reports/access";

const act = (id: string, more: Partial<AuditAct> = {}): AuditAct => ({
  id, time: "2026-11-24T12:00:00.000Z", act: "person.changed", who: { kind: "person", id: "usr_1", name: "Ana" }, from: null, device: null, device_name: null,
  subject: null, before: null, after: null, arguments: null, result: "done", ended: null, took_s: 0, reason: null, ...more,
});
const ids = (acts: AuditAct[] | null) => acts?.map((each) => each.id) ?? null;

test("what is new comes before what was read, and a gap is noticed", () => {
  expect(ids(joined([act("c"), act("b")], [act("b"), act("a")]))).toEqual(["c", "b", "a"]);
  expect(joined([act("b", { result: "failed" })], [act("b", { result: null })])?.[0]?.result).toBe("failed");
  expect(joined([act("z"), act("y")], [act("b")])).toBeNull();
  expect(ids(joined([act("a")], []))).toEqual(["a"]);
});

/** A hub that answers when it is told to. `asked`: the cursors, in order. */
function held() {
  const asked: (string | null)[] = [];
  const open: { answer: (found: Found) => void; refuse: (problem: unknown) => void }[] = [];
  const reading = new Reading(
    (cursor) => {
      asked.push(cursor);
      return new Promise((answer, refuse) => open.push({ answer, refuse }));
    },
    () => undefined,
  );
  const settle = () => new Promise((done) => setTimeout(done));
  const next = async (names: string[], end: string | null) => {
    open.shift()!.answer({ items: names.map((id) => act(id)), next: end, searched_to: null });
    await settle();
  };
  const refuse = async () => {
    open.shift()!.refuse(new Error("no"));
    await settle();
  };
  return { reading, asked, next, refuse, shown: () => ids(reading.state.items) };
}
const many = (from: number, count = PAGE) => Array.from({ length: count }, (_, index) => `a${String(from - index).padStart(4, "0")}`);

test("acts that come while older ones are read stay, and the older ones too", async () => {
  const { reading, asked, next, shown } = held();
  void reading.start();
  await next(many(500), "c400");
  void reading.more();
  void reading.look(true);
  expect(asked).toEqual([null, "c400", null]);
  await next(many(400), "c300");
  await next(many(501), "c401");
  expect(shown()).toEqual(many(501, 201));
  void reading.more();
  void reading.look(true);
  expect(asked.at(-2)).toBe("c300");
});

test("and when the top is answered first", async () => {
  const { reading, next, shown } = held();
  void reading.start();
  await next(many(500), "c400");
  void reading.look(true);
  void reading.more();
  await next(many(502), "c402");
  await next(many(400), "c300");
  expect(shown()).toEqual(many(502, 202));
});

test("after a gap all is read anew, and no page is put below a hole", async () => {
  const { reading, asked, next, shown } = held();
  void reading.start();
  await next(many(500), "c400");
  void reading.look(false);
  void reading.more();
  await next(many(900), "c800");
  await next(many(400), "c300"); // what was asked before the gap was known
  expect(shown()).toEqual(many(900));
  expect(asked.at(-1)).toBe("c800");
  await next(many(800), "c700");
  expect(shown()).toEqual(many(900, 200));
});

test("a new act does not take away what was found far below", async () => {
  const { reading, asked, next, shown } = held();
  void reading.start();
  await next([], "c9000");
  await next(["a0002", "a0001"], null);
  expect(shown()).toEqual(["a0002", "a0001"]);
  void reading.look(true); // an act that answers another question
  await next([], "c9001");
  expect(shown()).toEqual(["a0002", "a0001"]);
  void reading.look(true);
  await next(["a9999"], "c9002");
  expect(shown()).toEqual(["a9999", "a0002", "a0001"]);
  void reading.look(false); // and what was missed meanwhile is looked for
  await next(["a9999"], "c9003");
  expect(asked).toEqual([null, "c9000", null, null, null]);
});

test("what failed is said, takes nothing away, and is tried again", async () => {
  const { reading, asked, next, refuse, shown } = held();
  void reading.start();
  await refuse();
  expect([reading.state.ready, reading.state.error]).toEqual([false, new Error("no")]);
  void reading.retry();
  await next(many(500), "c400");
  expect(reading.state).toMatchObject({ ready: true, error: null });
  void reading.more();
  await refuse();
  expect(reading.state).toMatchObject({ ready: true, busy: false, error: new Error("no") });
  expect(shown()).toEqual(many(500));
  void reading.retry();
  expect(asked.at(-1)).toBe("c400");
  await next(many(400), "c300");
  expect(reading.state.error).toBeNull();
  void reading.look(true);
  await refuse();
  expect(shown()).toEqual(many(500, 200));
  void reading.retry();
  await next(many(501), "c401");
  expect([shown(), reading.state.error]).toEqual([many(501, 201), null]);
});

test("one look at a time, and an ended reading says nothing more", async () => {
  const { reading, asked, next, shown } = held();
  void reading.start();
  await next(many(500), "c400");
  void reading.look(true);
  void reading.look(true);
  void reading.look(true);
  expect(asked).toHaveLength(2);
  await next(many(501), "c401");
  expect(asked).toHaveLength(3);
  reading.end();
  await next(many(502), "c402");
  expect(shown()).toEqual(many(501, 101));
});

test("a change in one line, and by field", () => {
  const changed = act("a", { before: { role: "monitor", places: [], ends_ms: 0 }, after: { role: "owner", places: ["loc_1"], ends_ms: 0 } });
  expect(changeText(changed)).toBe("Role: Monitor → Owner +1");
  expect(differences(changed).map((each) => each.field)).toEqual(["role", "places"]);
  const set = act("b", { act: "command.control", arguments: { key: "mic.101.level.gain" }, before: { value: -3 }, after: { value: 0 } });
  expect(changeText(set)).toBe("Mic 101 gain: −3 → 0");
  expect(changeText(act("c"))).toBe("");
  expect(changeText(act("d", { before: null, after: { name: "HQ" } }))).toBe("Name: – → HQ");
});

test("places, devices and nested settings are said in words", () => {
  const names = { place: (id: string) => ({ loc_1: "HQ > 4" })[id], device: (id: string) => (id === "dev_1" ? "Name_1" : undefined) };
  const limited = act("a", { before: { places: [], ends_ms: 0 }, after: { places: ["loc_1", "loc_9"], ends_ms: 0 } });
  expect(changeText(limited, names)).toBe("Limited to: – → HQ > 4, a place that is gone (loc_9)");
  const moved = act("b", { act: "location.changed", before: { parent: "", kind: "floor" }, after: { parent: "loc_1", kind: "room" } });
  expect(differences(moved, names).map(({ name, before, after }) => [name, before, after])).toEqual([["Lies in", "–", "HQ > 4"], ["Kind", "floor", "room"]]);
  const put = act("c", { act: "device.placed", before: { dev_1: "HQ", dev_2: "HQ" }, after: { dev_1: "Lab", dev_2: "HQ" } });
  expect(changeText(put, names)).toBe("Name_1: HQ → Lab");
  const mail = act("d", { act: "organization.changed", before: { mail: { server: "", security: "starttls" } }, after: { mail: { server: "mx", security: "none" } } });
  expect(differences(mail).map(({ name, before, after }) => [name, before, after])).toEqual([["Mail · Server", "–", "mx"], ["Mail · Security", "STARTTLS, required", "None"]]);
  expect(changeText(act("e", { act: "ceiling.changed", before: { value: "monitor" }, after: { value: "control" } }))).toBe("Change: see → see and control");
});

test("names of acts and of what they were done to", () => {
  expect(actWord("session.opened")).toBe("Signed in");
  expect(actWord("person.invited")).toBe("Person invited");
  expect(actWord("brand.new")).toBe("brand.new");
  expect(subjectName(act("a", { arguments: { path: "London > HQ" } }))).toBe("London > HQ");
  expect(subjectName(act("a", { after: { sign_in: "bob@example.org" } }))).toBe("bob@example.org");
  expect(subjectName(act("a", { act: "view.added", after: { path: "/users", name: "All" } }))).toBe("All");
});

test("what the address asks", () => {
  const now = Date.parse("2026-11-24T12:00:00.000Z");
  expect(question({ acts: "person,local", when: "hour", q: "x" }, now)).toMatchObject({ act: "person.*,people.*,hub.*,credentials.*,discovery.*,ceiling.*", from: "2026-11-24T11:00:00.000Z", until: undefined, q: "x" });
  expect(question({ since: "2026-11-01", until: "nonsense" }, now).from).toMatch(/^2026-1[01]-/);
  expect(question({ until: "nonsense" }, now).until).toBeUndefined();
  expect(question({}, now)).toEqual({});
});

const key = (more: Partial<AccessLine>): AccessLine => ({
  kind: "key", id: "key_1", name: "panel", sign_in: null, role: "control", scope_now: "control", weaker: null, state: "active", everywhere: false, places: [],
  last_used: null, from: null, second_factor: null, sessions: null, keys: null, ends: null, added: null, by: "Ana", look: [], ...more,
});

test("a key is said to be where it and its person are, and to do what is left of it", () => {
  expect([key({ everywhere: true }), key({}), key({ places: ["HQ", "Lab"] })].map(whereOf)).toEqual(["everywhere", "nowhere", "HQ; Lab"]);
  expect([key({}), key({ weaker: "role", scope_now: "read" }), key({ weaker: "disabled", scope_now: "" })].map(leftOf)).toEqual(["", "now: Read", "now: nothing"]);
});

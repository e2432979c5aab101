import { expect, test } from "vitest";
import type { AccessLine, AuditAct } from "@/api/types";
import { joined } from "@/live/audit";
import { actWord, changeText, differences, question, subjectName } from "@/rooms/audit/words";
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

test("a change in one line, and by field", () => {
  const changed = act("a", { before: { role: "monitor", places: [], ends_ms: 0 }, after: { role: "owner", places: ["loc_1"], ends_ms: 0 } });
  expect(changeText(changed)).toBe("Role: Monitor → Owner +1");
  expect(differences(changed).map((each) => each.field)).toEqual(["role", "places"]);
  const set = act("b", { act: "command.control", arguments: { key: "mic.101.level.gain" }, before: { value: -3 }, after: { value: 0 } });
  expect(changeText(set)).toBe("Mic 101 gain: −3 → 0");
  expect(changeText(act("c"))).toBe("");
  expect(changeText(act("d", { before: null, after: { name: "HQ" } }))).toBe("Name: – → HQ");
});

test("names of acts and of what they were done to", () => {
  expect(actWord("session.opened")).toBe("Signed in");
  expect(actWord("person.invited")).toBe("Person invited");
  expect(actWord("brand.new")).toBe("brand.new");
  expect(subjectName(act("a", { arguments: { path: "London > HQ" } }))).toBe("London > HQ");
  expect(subjectName(act("a", { after: { sign_in: "bob@example.org" } }))).toBe("bob@example.org");
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

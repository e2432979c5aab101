import { expect, test } from "vitest";
import type { Device, User } from "@/api/types";
import { wrongLines } from "@/live/send";
import { sameQuery, viewQuery } from "@/live/views";
import { addressesOf, recognised } from "@/rooms/people/add-users";
import { dayOf, endOfDay } from "@/words/days";
import { fits, strengthOf } from "@/rooms/people/password";
import { changesOf } from "@/rooms/people/user-dialogs";
import { shownUsers } from "@/rooms/people/users";
import { personState } from "@/ui/people";
import { errandText, mailLink } from "@/ui/send";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const user = (name: string, more: Partial<User> = {}): User => ({
  id: `usr_${name}`, name, sign_in: `${name}@example.org`, role: "monitor", state: "active", places: [], ends: null, ended: false, created: null, last_seen: null, invited_by: "", invited_until: null, second_factor: false, locked: null, ...more,
});

test("an entry is taken apart as the hub does", () => {
  expect(addressesOf(" a@x.org,b@x.org;\n c@x.org  nonsense")).toEqual(["a@x.org", "b@x.org", "c@x.org", "nonsense"]);
  expect(recognised("a+b@x.org A+B@x.org münchen@x.org a@ @b x@y")).toEqual(["a+b@x.org", "münchen@x.org"]);
});

test("who ended is ended, whatever else holds", () => {
  expect(personState(user("a", { ends: "2026-11-24T11:59:59Z" }), NOW)).toBe("ended");
  expect(personState(user("a", { ends: "2026-11-24T12:00:01Z", state: "invited" }), NOW)).toBe("invited");
  expect(personState(user("a", { state: null }), NOW)).toBeNull();
});

test("people are found, filtered and sorted", () => {
  const all = [user("Cy", { role: "owner" }), user("bo", { state: "invited" }), user("Ann", { role: "administrator", ends: "2026-11-20T00:00:00Z" })];
  const names = (filter: Record<string, string>) => shownUsers(all, filter, NOW).map((each) => each.name);
  expect(names({})).toEqual(["Ann", "bo", "Cy"]);
  expect(names({ sort: "role" })).toEqual(["Cy", "Ann", "bo"]);
  expect(names({ sort: "name", down: "1" })).toEqual(["Cy", "bo", "Ann"]);
  expect(names({ state: "ended,invited" })).toEqual(["Ann", "bo"]);
  expect(names({ role: "owner", q: "cy ORG" })).toEqual(["Cy"]);
});

test("a day ends with its last second, on the reader's own calendar", () => {
  expect(endOfDay("")).toBeNull();
  expect(dayOf(endOfDay("2026-11-27")!)).toBe("2026-11-27");
  expect(new Date(endOfDay("2026-11-27")!).getSeconds()).toBe(59);
});

test("only what was changed is said", () => {
  const before = user("a", { places: ["loc_2", "loc_1"], ends: endOfDay("2026-12-01") });
  expect(changesOf(before, { role: "monitor", places: ["loc_1", "loc_2"], ends: "2026-12-01" })).toEqual({});
  expect(changesOf(before, { role: "owner", places: [], ends: "" })).toEqual({ role: "owner", places: [], ends: null });
});

test.each([
  ["", "empty"], ["short", "short"], ["Ann@Example.org", "name"], ["ababababababab", "simple"], ["aaaaaaaaaaab", "simple"], ["abcdefghijklm", "fair"], ["correct horses", "good"], ["correct horse battery", "strong"],
])("%j is %s", (password, strength) => {
  expect(strengthOf(password, "ann@example.org", 10)).toBe(strength);
  expect(fits(strengthOf(password, "ann@example.org", 10))).toBe(["fair", "good", "strong"].includes(strength));
});

test("a view is what the filter asks, whatever its order and its blanks", () => {
  expect(viewQuery({ status: "offline,degraded", q: "", found: "1", kind: "mixer" }, ["q", "status", "kind"])).toBe("kind=mixer&status=offline,degraded");
  expect(sameQuery("q=a+b&kind=mixer", "kind=mixer&q=a%20b")).toBe(true);
  expect(sameQuery("kind=mixer", "kind=mixer&q=x")).toBe(false);
});

const device = (name: string, status: string, more: object = {}) => ({ id: name, name, model: "128VD", serial_number: "1-2", kind: "mixer", status, since: null, reason: null, site: { zone: "UTC" }, ...more }) as unknown as Device;

test("what is wrong stands in words, the worst first, and not for ever", () => {
  const reason = { code: "connection_refused", params: {}, text: "Connection refused." };
  const lines = wrongLines([device("b", "unknown"), device("a", "online"), device("c", "offline", { reason }), device("s", "offline", { kind: "stack" })], NOW);
  expect(lines).toEqual(["c · 128VD · 1-2: Offline. Connection refused.", "b · 128VD · 1-2: Unknown."]);
  const many = wrongLines(Array.from({ length: 30 }, (_, n) => device(`d${n}`, "offline")), NOW);
  expect([many.length, many.at(-1)]).toEqual([13, "and 18 more"]);
});

test("an errand as text and as mail", () => {
  const errand = { name: "4.12", path: "London > 4.12", address: "1 High & Street", floor: "", contact: "Ana <desk@example.org>", notes: "", zone: "Europe/London", url: "https://av.example.org/locations/loc_1", photos: [], wrong: ["x?&y"] };
  expect(errandText(errand, NOW)).toContain("Address: 1 High & Street\n");
  expect(errandText(errand, NOW)).toContain("12:00 (Europe/London)");
  expect(errandText(errand, NOW)).not.toContain("Floor");
  const link = new URL(mailLink(errand, NOW));
  expect(link.pathname).toBe("desk@example.org");
  expect(link.searchParams.get("body")).toContain("- x?&y");
  const long = new URL(mailLink({ ...errand, wrong: Array.from({ length: 99 }, () => "x".repeat(60)) }, NOW));
  expect(long.href.length).toBeLessThan(1_900);
  expect(long.searchParams.get("body")).toContain(errand.url);
});

import { expect, test } from "vitest";
import type { ApiKey } from "@/api/types";
import { exampleOf, lastDay } from "@/rooms/people/key-add";
import { leftOf, startOf } from "@/rooms/people/key-words";
import { shownKeys } from "@/rooms/people/keys";

const key = (name: string, more: Partial<ApiKey> = {}): ApiKey => ({
  id: `key_${name}`, name, prefix: "sp_0123abcv", scope: "control", scope_now: "control", weaker: null, places: [], person: { id: "usr_a", name: "Ana" }, mine: true, created: "2026-11-24T12:00:00.000Z", expires: null, used: null, used_from: "", ...more,
});
const names = (keys: ApiKey[]) => keys.map((each) => each.name);

test("one's own come first, whatever is sorted by", () => {
  const keys = [key("b", { mine: false, person: { id: "usr_b", name: "Bo" } }), key("c", { expires: "2026-12-01T00:00:00.000Z" }), key("a10"), key("a9")];
  expect(names(shownKeys(keys, {}))).toEqual(["a9", "a10", "c", "b"]);
  expect(names(shownKeys(keys, { down: "1" }))).toEqual(["c", "a10", "a9", "b"]);
  expect(names(shownKeys(keys, { sort: "expires" }))).toEqual(["c", "a9", "a10", "b"]);
  expect(names(shownKeys(keys, { sort: "nonsense" }))).toEqual(["a9", "a10", "c", "b"]);
  expect(names(shownKeys(keys, { q: "bo" }))).toEqual(["b"]);
  expect(names(shownKeys(keys, { q: "0123ABC a1" }))).toEqual(["a10"]);
});

test("what is left of a key is said with its reason, a new reason too", () => {
  expect(leftOf(key("a"))).toBeNull();
  expect(leftOf(key("a", { weaker: "role", scope_now: "read" }))).toEqual({ left: "now: Read", why: "Ana may do no more", sentence: "It does less than it says now, Read: Ana may do no more." });
  expect(leftOf(key("a", { weaker: "expired", scope_now: null }))?.sentence).toBe("It does nothing now: it has expired.");
  expect(leftOf(key("a", { weaker: "moon" as never, scope_now: null }))?.why).toBe("a rule of this hub");
});

test("the last day of a choice", () => {
  const now = new Date(2026, 10, 24, 12).getTime();
  expect(lastDay("never", "2026-12-01", now)).toBe("");
  expect(lastDay("date", "2026-12-01", now)).toBe("2026-12-01");
  expect(lastDay("30", "", now)).toBe("2026-12-24");
});

test("the example names this hub and holds no key", () => {
  expect(exampleOf("https://av.example.com:8443")).toContain("https://av.example.com:8443/api/v1/summary");
  expect(exampleOf("https://av.example.com")).not.toContain("sp_");
  expect(startOf(key("a"))).toBe("sp_0123abcv…");
  expect(startOf(key("a", { prefix: "" }))).toBe("");
});

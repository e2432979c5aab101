import { expect, test } from "vitest";
import { changesOf, clashesOf, differing, said, valuesOf, type Edits } from "@/live/edits";

const STOOD = { contact: "Ana", notes: "" };
const NOTES: Edits<typeof STOOD> = said({}, STOOD, "notes", "Key at the desk");

test("only what was typed is sent, and an untouched field follows what another says", () => {
  const now = { ...STOOD, contact: "Lee" };
  expect(valuesOf(NOTES, now)).toEqual({ contact: "Lee", notes: "Key at the desk" });
  expect(changesOf(NOTES, now)).toEqual({ notes: "Key at the desk" });
  expect(clashesOf(NOTES, now)).toEqual([]);
});

test("a field both typed into is a clash with both values, until it is settled", () => {
  const now = { ...STOOD, notes: "Closed on Mondays" };
  expect(clashesOf(NOTES, now)).toEqual([{ field: "notes", theirs: "Closed on Mondays", mine: "Key at the desk" }]);
  const kept: Edits<typeof STOOD> = { notes: { base: now.notes, mine: "Key at the desk" } };
  expect(clashesOf(kept, now)).toEqual([]);
  expect(changesOf(kept, now)).toEqual({ notes: "Key at the desk" });
  // it is theirs to change again
  expect(clashesOf(kept, { ...now, notes: "Closed" })).toHaveLength(1);
});

test("the same word twice is no clash and nothing to send; nor is what was typed back", () => {
  const now = { ...STOOD, notes: "Key at the desk" };
  expect(clashesOf(NOTES, now)).toEqual([]);
  expect(changesOf(NOTES, now)).toEqual({});
  expect(said(NOTES, STOOD, "notes", "")).toEqual({});
});

test("typing on counts from where it began, not from what came meanwhile", () => {
  const now = { ...STOOD, notes: "Closed on Mondays" };
  const on = said(NOTES, now, "notes", "Key at the desk, 4th floor");
  expect(clashesOf(on, now)).toEqual([{ field: "notes", theirs: "Closed on Mondays", mine: "Key at the desk, 4th floor" }]);
});

test("of a dialog without a live line only what differs from its beginning is sent", () => {
  const first = { name: "Acme", address: "https://a", mail: { server: "a", port: 25 } };
  expect(differing(first, { ...first, name: "Acme Ltd" })).toEqual({ name: "Acme Ltd" });
  expect(differing(first, { ...first, mail: { server: "b", port: 25 } })).toEqual({ mail: { server: "b", port: 25 } });
  expect(differing(first, first)).toEqual({});
});

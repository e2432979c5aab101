import { expect, test } from "vitest";
import { de } from "@/words/de";
import { en } from "@/words/en";
import { es } from "@/words/es";
import { fill, type Entry } from "@/words";
import * as format from "@/words/format";

const holes = (entry: Entry) => [...new Set((typeof entry === "string" ? entry : entry.other).match(/\{\w+\}/g) ?? [])].sort();

test.each([["de", de], ["es", es]] as const)("the %s catalogue is complete", (_, catalogue) => {
  expect(Object.keys(catalogue).sort()).toEqual(Object.keys(en).sort());
  for (const [key, entry] of Object.entries(en) as [keyof typeof en, Entry][]) {
    expect(holes(catalogue[key]), key).toEqual(holes(entry));
    expect(typeof catalogue[key], key).toBe(typeof entry);
  }
});

test("words are calm", () => {
  for (const catalogue of [en, de, es])
    for (const entry of Object.values(catalogue) as Entry[]) {
      const text = typeof entry === "string" ? entry : `${entry.one} ${entry.other}`;
      expect(text).not.toMatch(/[!¡]|successful/i);
    }
});

test("plural and numbers", () => {
  const entry = { one: "{n} device", other: "{n} devices" };
  expect(fill(entry, { n: 1 }, "en-GB")).toBe("1 device");
  expect(fill(entry, { n: 1067 }, "en-GB")).toBe("1,067 devices");
  expect(fill("{n} %", { n: 0.5 }, "de")).toBe("0,5 %");
});

test("formats", () => {
  expect(format.number("en-GB", -3, 1)).toBe("−3.0");
  expect(format.digitsOf(0.5)).toBe(1);
  expect(format.digitsOf(1)).toBe(0);
  expect(format.unit("Cel")).toBe("°C");
  expect([0.4, 4, 59.9, 60, 840, 3600 * 5, 86400 * 12].map((s) => format.span("en-GB", s))).toEqual(["0 s", "4 s", "59 s", "1 min", "14 min", "5 h", "12 d"]);
  const now = Date.parse("2026-11-24T12:00:00Z");
  expect(format.moment("en-GB", "2026-11-24T09:12:00Z", now, "Europe/London")).toBe("09:12");
  expect(format.moment("en-GB", "2026-11-20T18:10:00Z", now, "Europe/London")).toBe("Fri 18:10");
  expect(format.moment("en-GB", "2026-03-03T18:10:00Z", now, "Europe/London")).toBe("3 Mar 18:10");
});

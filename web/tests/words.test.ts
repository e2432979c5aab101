import { expect, test, vi } from "vitest";
import { de } from "@/words/de";
import { en } from "@/words/en";
import { es } from "@/words/es";
import { errorText, fill, reasonText, setLanguage, type Entry } from "@/words";
import * as format from "@/words/format";

const holes = (entry: Entry) => [...new Set((typeof entry === "string" ? entry : entry.other).match(/\{\w+\}/g) ?? [])].sort();

test.each([["de", de], ["es", es]] as const)("the %s catalogue is complete", (_, catalogue) => {
  expect(Object.keys(catalogue).sort()).toEqual(Object.keys(en).sort());
  for (const [key, entry] of Object.entries(en) as [keyof typeof en, Entry][]) {
    expect(holes(catalogue[key]), key).toEqual(holes(entry));
    expect(typeof catalogue[key], key).toBe(typeof entry);
  }
});

test("a thing has one name in each language", () => {
  const others = { de: /Eigentümer|Zweiter Inhaber/, es: /\b(función|funciones|papel|stacks?|sitios?)\b/i };
  for (const [language, catalogue] of [["de", de], ["es", es]] as const)
    for (const [key, entry] of Object.entries(catalogue) as [string, Entry][]) expect(JSON.stringify(entry).replace(/\{\w+\}/g, ""), `${language} ${key}`).not.toMatch(others[language]);
  // "probado" is tried out: of what stands in documents alone nothing was
  for (const key of ["support.evidenced", "support.assumed", "evidenced.text", "assumed.text", "assumed.reboot"] as const) expect(es[key]).not.toMatch(/probad/);
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
  expect(format.moment("en-GB", "2025-12-03T18:10:00Z", now, "Europe/London")).toBe("3 Dec 2025 18:10");
  // a new year has begun in Auckland, where it is read
  expect(format.moment("en-GB", "2026-01-31T18:10:00Z", Date.parse("2026-12-31T18:00:00Z"), "Pacific/Auckland")).toBe("1 Feb 2026 07:10");
  expect(format.moment("de", "2025-12-03T18:10:00Z", now, "Europe/London")).toBe("3. Dez. 2025 18:10");
});

test("reasons by code and params where the hub's English is not the reader's language", async () => {
  vi.stubGlobal("document", { documentElement: {} });
  const gone = { code: "peripheral_gone", params: { names: "BMA2_01" }, text: "Name_1: Peripheral gone: BMA2_01." };
  const lost = { code: "agent_lost", params: { cause: "agent_gone" }, text: "The line from 10.0.0.4 closed and nobody came back." };
  expect(reasonText(gone)).toBe("Name_1: Peripheral gone: BMA2_01.");
  await setLanguage("de");
  expect(reasonText(gone)).toBe("Peripherie weg: BMA2_01.");
  expect(reasonText({ ...gone, params: {} })).toBe("Sein Mischer sieht es nicht mehr; das P-Link-Kabel prüfen.");
  expect(reasonText(lost)).toBe("Sein Server ist nicht erreichbar.");
  expect(reasonText({ ...lost, params: { cause: "disk_failed" } })).toMatch(/^Sein Server kann nicht auf seine Platte schreiben/);
  // in one's own language and on one's own clock
  const waits = reasonText({ code: "agent_lost", params: { agent: "London", until: "2026-11-24T09:12:00.000Z" }, text: "" });
  expect(waits).toMatch(/^Der Server London ist nicht erreichbar; .* bis .*\d\d:\d\d\.$/);
  expect(waits).not.toContain("Z");
  // a code nobody knows yet: the hub's own sentence
  expect(reasonText({ code: "brand_new", params: {}, text: "Something new." })).toBe("Something new.");
  expect(errorText({ code: "no_tls", message: "x:8000 does not speak TLS." })).toMatch(/^Dieser Port spricht kein TLS/);
  await setLanguage("es");
  expect(reasonText(gone)).toBe("Falta un periférico: BMA2_01.");
  await setLanguage("en");
  vi.unstubAllGlobals();
});

import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { afterEach, expect, test } from "vitest";
import type { User } from "@/api/types";
import { question } from "@/rooms/audit/words";
import { changesOf } from "@/rooms/people/user-dialogs";
import { EndsOn } from "@/ui/people";
import { dayOf, endOfDay, endsDay, startOfDay } from "@/words/days";
import { ownZone, setOwnZone } from "@/words/format";

const browser = Intl.DateTimeFormat().resolvedOptions().timeZone;
// two accounts, neither of which has the zone of this browser, whatever that is
const ZONES = ["Pacific/Kiritimati", "Pacific/Pago_Pago"] as const;

afterEach(() => setOwnZone(""));

test("without a zone of the account the browser's own holds", () => {
  expect(ownZone()).toBe(browser);
  const noon = new Date(2026, 10, 24, 12).getTime();
  expect(dayOf(noon)).toBe("2026-11-24");
  expect(startOfDay("2026-11-24")).toBe(new Date(2026, 10, 24).toISOString());
});

test("days begin and end on the clock of the account", () => {
  setOwnZone("Pacific/Kiritimati");
  expect([startOfDay("2026-11-27"), endOfDay("2026-11-27")]).toEqual(["2026-11-26T10:00:00.000Z", "2026-11-27T09:59:59.000Z"]);
  expect(dayOf("2026-11-26T10:00:00Z")).toBe("2026-11-27");
  setOwnZone("Pacific/Pago_Pago");
  expect([startOfDay("2026-11-27"), endOfDay("2026-11-27")]).toEqual(["2026-11-27T11:00:00.000Z", "2026-11-28T10:59:59.000Z"]);
  expect(dayOf("2026-11-27T10:59:59Z")).toBe("2026-11-26");
  expect([startOfDay(""), endOfDay("soon"), endOfDay("2026-13-40")]).toEqual([null, null, null]);
});

test.each([
  ["where midnight is skipped", "2026-09-06", "America/Santiago", "2026-09-06T04:00:00.000Z", "2026-09-07T02:59:59.000Z"],
  ["where the last hour comes twice", "2026-04-04", "America/Santiago", "2026-04-04T03:00:00.000Z", "2026-04-05T03:59:59.000Z"],
  ["in a day of 23 hours", "2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.000Z"],
  ["in a day of 25 hours", "2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.000Z"],
])("a day is whole %s", (_, day, zone, start, end) => {
  expect([startOfDay(day, zone), endOfDay(day, zone)]).toEqual([start, end]);
  expect([dayOf(start, zone), dayOf(end, zone), endsDay(end, zone)]).toEqual([day, day, true]);
});

test("a filter of the audit asks for the days of the account", () => {
  setOwnZone("Pacific/Kiritimati");
  expect(question({ since: "2026-11-01", until: "2026-11-02" }, 0)).toMatchObject({ from: "2026-10-31T10:00:00.000Z", until: "2026-11-02T09:59:59.999Z" });
});

test.each(ZONES)("Ends on says the day that was chosen, and its tooltip the same, in %s", (zone) => {
  setOwnZone(zone);
  const ends = endOfDay("2026-11-27")!;
  const shown = renderToStaticMarkup(createElement(EndsOn, { time: ends }));
  expect(shown).toMatch(/>(27 Nov|Nov 27,) 2026<\/time>/);
  expect(shown).toMatch(/title="Fri,? (27 Nov|Nov 27,) 2026/);
  const user = { role: "monitor", places: [], ends } as unknown as User;
  expect(changesOf(user, { role: "monitor", places: [], ends: "2026-11-27" })).toEqual({});
});

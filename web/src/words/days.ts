/** Days of a calendar, as `YYYY-MM-DD`: the reader's own, which is that of the zone of the account, or another zone's. */
import { ownZone } from "./format";

const SECOND = 1000;
const DAY = 86_400_000;
const walls = new Map<string, Intl.DateTimeFormat>();

/** What the clock on the wall shows there at an instant, written as if it were UTC. */
function wall(at: number, zone: string): number {
  let format = walls.get(zone);
  if (!format) {
    const options = { hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
    try {
      format = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    } catch {
      format = new Intl.DateTimeFormat("en-GB", options); // a zone this browser does not know
    }
    walls.set(zone, format);
  }
  const part = Object.fromEntries(format.formatToParts(at).map((each) => [each.type, Number(each.value)]));
  return Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!);
}

export const dayOf = (time: string | number, zone = ownZone()): string => new Date(wall(new Date(time).getTime(), zone)).toISOString().slice(0, 10);

/** The first instant of a day there, in milliseconds. Where a clock goes forward at midnight, that is no midnight. */
function begins(midnight: number, zone: string): number {
  const offsets = [midnight - DAY, midnight + DAY].map((at) => wall(at, zone) - at);
  const instants = offsets.map((offset) => midnight - offset);
  const fitting = instants.filter((at) => wall(at, zone) === midnight);
  return fitting.length > 0 ? Math.min(...fitting) : Math.max(...instants);
}

const midnightOf = (day: string): number => (/^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN);

/** As a time for the hub; null for no day. */
export function startOfDay(day: string, zone = ownZone()): string | null {
  const midnight = midnightOf(day);
  return Number.isNaN(midnight) ? null : new Date(begins(midnight, zone)).toISOString();
}

/** The last second of a day, or what is `left` of it; null for no day. */
export function endOfDay(day: string, zone = ownZone(), left = SECOND): string | null {
  const midnight = midnightOf(day);
  return Number.isNaN(midnight) ? null : new Date(begins(midnight + DAY, zone) - left).toISOString();
}

/** Whether an instant lies in the last minute of a day there: it means the whole day. */
export function endsDay(time: string, zone = ownZone()): boolean {
  const at = new Date(wall(Date.parse(time), zone));
  return at.getUTCHours() === 23 && at.getUTCMinutes() === 59;
}

/** Numbers and times by the viewer's language and zone. Pure: `now` and the language are handed in. */

export const MINUS = "\u2212";

export function number(language: string, value: number, digits = 0): string {
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .format(value)
    .replace(/^-/, MINUS);
}

/** Digits a value of this step needs: 0.5 → 1, 1 → 0. */
export function digitsOf(step: number | null | undefined): number {
  if (!step) return 1;
  const text = String(step);
  const dot = text.indexOf(".");
  return dot < 0 ? 0 : Math.min(3, text.length - dot - 1);
}

const UCUM: Record<string, string> = { Cel: "°C", dB: "dB", s: "s", "%": "%", ms: "ms", min: "min", h: "h" };

export function unit(ucum: string): string {
  return UCUM[ucum] ?? ucum;
}

const SECOND = 1;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "4 s", "14 min", "3 h", "12 d": one unit, narrow, never rounded up. */
export function span(language: string, seconds: number): string {
  const s = Math.max(0, seconds);
  const [n, name] =
    s < 10 && s % 1 !== 0 && s < 1
      ? [0, "s"]
      : s < MINUTE
        ? [Math.floor(s), "s"]
        : s < HOUR
          ? [Math.floor(s / MINUTE), "min"]
          : s < DAY
            ? [Math.floor(s / HOUR), "h"]
            : [Math.floor(s / DAY), "d"];
  return unitOf(language, n as number, name as string);
}

/** The symbols of the SI are the same in every language. */
function unitOf(language: string, n: number, name: string): string {
  return `${new Intl.NumberFormat(language).format(n)} ${name}`;
}

/** The zone whose clock the reader goes by; "" = that of the browser. */
let own = "";

export function setOwnZone(zone: string): void {
  own = zone;
}

export function ownZone(): string {
  return own || Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const clocks = new Map<string, Intl.DateTimeFormat>();
function clock(language: string, asked: string | undefined, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const zone = asked || own;
  const key = `${language}/${zone}/${JSON.stringify(options)}`;
  let format = clocks.get(key);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat(language, { hourCycle: "h23", timeZone: zone || undefined, ...options });
    } catch {
      format = new Intl.DateTimeFormat(language, { hourCycle: "h23", ...options });
    }
    clocks.set(key, format);
  }
  return format;
}

/** Today "14:02", this week "Fri 18:10", this year "3 Mar 18:10", else "3 Mar 2025 18:10". */
export function moment(language: string, iso: string | number, now: number, zone?: string): string {
  const at = new Date(iso);
  const day = clock(language, zone, { year: "numeric", month: "2-digit", day: "2-digit" });
  const time = clock(language, zone, { hour: "2-digit", minute: "2-digit" }).format(at);
  if (day.format(at) === day.format(now)) return time;
  const near = Math.abs(now - at.getTime()) < 6 * DAY * 1000;
  const year = clock(language, zone, { year: "numeric" });
  const thisYear = year.format(at) === year.format(now);
  const date = near ? clock(language, zone, { weekday: "short" }).format(at) : thisYear ? dayMonth(language, at, zone) : fullDay(language, at, zone);
  return `${date} ${time}`;
}

/** "3 Mar" */
export function dayMonth(language: string, at: string | number | Date, zone?: string): string {
  return clock(language, zone, { day: "numeric", month: "short" }).format(new Date(at));
}

/** "3 Mar 2025" */
export function fullDay(language: string, at: string | number | Date, zone?: string): string {
  return clock(language, zone, { day: "numeric", month: "short", year: "numeric" }).format(new Date(at));
}

export function timeOfDay(language: string, at: number, zone?: string): string {
  return clock(language, zone, { hour: "2-digit", minute: "2-digit" }).format(at);
}

export function seconds(language: string, iso: string | number, zone?: string): string {
  return clock(language, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(iso));
}

export function absolute(language: string, iso: string | number, zone?: string): string {
  return clock(language, zone, {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  }).format(new Date(iso));
}

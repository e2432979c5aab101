import { Tooltip } from "@mantine/core";
import { useSyncExternalStore } from "react";
import { format, locale, t } from "@/words";

/** One clock for every age on the page. */
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    listeners.forEach((each) => each());
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => {
    if (!timer) now = Date.now();
    return now;
  });
}

function Exact({ iso, zone, children }: { iso: string | number; zone?: string | null; children: React.ReactElement }) {
  const text = format.absolute(locale(), iso) + (zone && zone !== format.ownZone() ? ` · ${format.absolute(locale(), iso, zone)}` : "");
  return (
    <Tooltip label={text} openDelay={250} withArrow events={{ hover: true, focus: true, touch: true }}>
      {children}
    </Tooltip>
  );
}

/** Seconds since a value was true; counts on by itself. */
export function Age({ seconds, at, stale, id }: { seconds: number | null | undefined; at?: number; stale?: boolean; id?: string }) {
  const current = useNow();
  if (seconds === null || seconds === undefined) return <span className="age">–</span>;
  const total = seconds + Math.max(0, current - (at ?? current)) / 1000;
  return (
    <Exact iso={current - total * 1000}>
      <span className={stale ? "age stale" : "age"} data-testid={id ? `age-${id}` : undefined}>
        {format.span(locale(), total)}
      </span>
    </Exact>
  );
}

/** "14 min" since an instant. */
export function Lasting({ since }: { since: string | null | undefined }) {
  const current = useNow();
  if (!since) return null;
  return (
    <Exact iso={since}>
      <span className="since">{format.span(locale(), (current - Date.parse(since)) / 1000)}</span>
    </Exact>
  );
}

/** "2 s ago" */
export function Ago({ time }: { time: string | number | null | undefined }) {
  const current = useNow();
  if (!time) return <span className="dim">–</span>;
  const ms = typeof time === "number" ? time : Date.parse(time);
  return (
    <Exact iso={time}>
      <span className="since">{t("time.ago", { span: format.span(locale(), (current - ms) / 1000) })}</span>
    </Exact>
  );
}

/** "14:02" on the reader's clock; pointing at it tells the whole date, and that of `zone`. */
export function At({ time, zone }: { time: string | number | null | undefined; zone?: string }) {
  const current = useNow();
  if (!time) return <span className="dim">–</span>;
  return (
    <Exact iso={time} zone={zone}>
      <time className="nowrap" dateTime={new Date(time).toISOString()}>
        {format.moment(locale(), time, current)}
      </time>
    </Exact>
  );
}

/** The reader's clock, and beside it the place's own where that differs: "13:00 (Wed 00:00 Sydney)". */
export function AtPlace({ time, zone, place }: { time: string | number | null | undefined; zone: string; place: string }) {
  const current = useNow();
  if (!time) return <span className="dim">–</span>;
  const here = format.moment(locale(), time, current);
  const there = format.moment(locale(), time, current, zone);
  return (
    <>
      <At time={time} zone={zone} />
      {there !== here && <span className="dim nowrap plain"> ({t("time.there", { time: there, place })})</span>}
    </>
  );
}

export function LocalTime({ zone }: { zone: string }) {
  const current = useNow();
  return (
    <span className="dim nowrap" title={zone}>
      {format.timeOfDay(locale(), current, zone)}
    </span>
  );
}

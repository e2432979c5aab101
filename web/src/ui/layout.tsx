import { Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { t } from "@/words";
import { Icon, type IconName } from "./icons";
import { Shape } from "./status";
import type { Period, Status } from "@/api/types";
import { format, locale } from "@/words";

type Gap = 4 | 8 | 12 | 16 | 24 | 32;

export function Stack({ gap = 8, children, narrow }: { gap?: Gap; children: ReactNode; narrow?: boolean }) {
  return <div className={`stack gap-${gap}${narrow ? " narrow" : ""}`}>{children}</div>;
}

export function Line(props: { gap?: Gap; children: ReactNode; align?: "base" | "top"; justify?: "between" | "end"; keep?: boolean }) {
  const { gap = 8, children, align, justify, keep } = props;
  return <div className={`line gap-${gap} ${align ?? ""} ${justify ?? ""} ${keep ? "keep" : ""}`}>{children}</div>;
}

export function Grow({ children }: { children: ReactNode }) {
  return <div className="grow">{children}</div>;
}

export function Halves({ children, lead }: { children: ReactNode; lead?: boolean }) {
  return <div className={lead ? "halves lead" : "halves"}>{children}</div>;
}

/** `wrap`: it is never cut, it takes another line. */
export function Text({ children, dim, strong, mono, small, clip, wrap, nowrap, tone, id, title }: { children: ReactNode; dim?: boolean; strong?: boolean; mono?: boolean; small?: boolean; clip?: boolean; wrap?: boolean; nowrap?: boolean; tone?: Status; id?: string; title?: string }) {
  const names = [dim && "dim", strong && "strong", mono && "mono", small && "small", clip && "clip", wrap && "wrap", nowrap && "nowrap", tone && `tone-${tone}`].filter(Boolean).join(" ");
  return (
    <span className={names || undefined} data-testid={id} title={title}>
      {children}
    </span>
  );
}

/** A list that breaks between its words and never inside one. */
export function Whole({ words }: { words: string[] }) {
  return (
    <>
      {words.map((word, index) => (
        <span key={word}>
          <span className="nowrap">
            {word}
            {index < words.length - 1 && ","}
          </span>{" "}
        </span>
      ))}
    </>
  );
}

export function Hidden({ children }: { children: ReactNode }) {
  return <span className="vh">{children}</span>;
}

/** A link inside the product. `to` may carry a query string. */
export function Go({ to, children, accent, id, label, onClick }: { to: string; children: ReactNode; accent?: boolean; id?: string; label?: string; onClick?: () => void }) {
  const [path, search] = to.split("?");
  return (
    <Link
      to={path as never}
      search={(search ? Object.fromEntries(new URLSearchParams(search)) : {}) as never}
      className={accent ? "go accent" : "go"}
      data-testid={id}
      aria-label={label}
      onClick={(event) => {
        event.stopPropagation();
        onClick?.();
      }}
    >
      {children}
    </Link>
  );
}

/** A page of the hub that is none of this client's, in a tab of its own. */
export function OutLink({ href, children, id }: { href: string; children: ReactNode; id?: string }) {
  return (
    <a className="go accent nowrap" href={href} target="_blank" rel="noreferrer" data-testid={id}>
      {children}
    </a>
  );
}

const REACHED = /([^\s@,;<>]+@[^\s@,;<>]+\.[a-z]{2,}|\+?\d[\d\s()/-]{4,}\d)/i;

/** A contact as people wrote it; a number in it can be called and an address written to. */
export function Reach({ text }: { text: string }) {
  return (
    <>
      {text.split(REACHED).map((part, index) =>
        index % 2 === 0 ? (
          part
        ) : (
          <a key={index} className="go accent" href={part.includes("@") ? `mailto:${part}` : `tel:${part.replace(/[^+\d]/g, "")}`}>
            {part}
          </a>
        ),
      )}
    </>
  );
}

export function Page({ title, aside, tools, children, mark }: { title: ReactNode; aside?: ReactNode; tools?: ReactNode; children: ReactNode; mark?: ReactNode }) {
  return (
    <div className="page">
      <header className="page-head">
        {mark}
        <h1>{title}</h1>
        {aside}
        {tools && <div className="end">{tools}</div>}
      </header>
      {children}
    </div>
  );
}

export function Section({ title, count, end, children, id }: { title: string; count?: ReactNode; end?: ReactNode; children: ReactNode; id?: string }) {
  return (
    <section className="section" data-testid={id}>
      <header>
        <h2>{title}</h2>
        {count !== undefined && <span className="dim">{count}</span>}
        {end && <div className="end">{end}</div>}
      </header>
      {children}
    </section>
  );
}

export function Sentence({ children, id }: { children: ReactNode; id?: string }) {
  return (
    <p className="sentence" data-testid={id}>
      {children}
    </p>
  );
}

export function Rows({ children, id }: { children: ReactNode; id?: string }) {
  return (
    <ul className="rows" data-testid={id}>
      {children}
    </ul>
  );
}

export function RowLine({ children, end, id }: { children: ReactNode; end?: ReactNode; id?: string }) {
  return (
    <li data-testid={id}>
      {children}
      {end && <span className="end">{end}</span>}
    </li>
  );
}

export interface FactLine {
  name: string;
  value: ReactNode;
  note?: ReactNode;
  id?: string;
}

export function Facts({ lines }: { lines: FactLine[] }) {
  return (
    <dl className="facts">
      {lines.map((line) => (
        <div key={line.name} data-testid={line.id}>
          <dt>{line.name}</dt>
          <dd>{line.value}</dd>
          <dd className="note">{line.note}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Figures({ children }: { children: ReactNode }) {
  return <div className="figures">{children}</div>;
}

export function Figure({ name, value, children, id }: { name: ReactNode; value: ReactNode; children?: ReactNode; id?: string }) {
  return (
    <div className="figure" data-testid={id}>
      <span className="dim">{name}</span>
      <span className="big">{value}</span>
      {children}
    </div>
  );
}

/** `said`: it appears as the answer to something, and is read out. */
export function Notice({ tone, icon, children, id, said }: { tone?: "degraded" | "offline" | "accent"; icon?: IconName; children: ReactNode; id?: string; said?: boolean }) {
  return (
    <div className={`notice ${tone ?? ""}`} data-testid={id} role={said ? "status" : undefined}>
      {icon && <Icon name={icon} />}
      {tone === "degraded" && <Shape status="degraded" />}
      {tone === "offline" && <Shape status="offline" />}
      <div className="grow">{children}</div>
    </div>
  );
}

export function Banner({ tone, children, id }: { tone?: "offline"; children: ReactNode; id?: string }) {
  return (
    <div className={`banner ${tone ?? ""}`} role="status" data-testid={id}>
      {children}
    </div>
  );
}

/** `title` explains the word: by pointing, by the keyboard, and by a touch. `quiet`: it says that nothing is the matter. */
export function Tag({ children, accent, title, quiet, id }: { children: ReactNode; accent?: boolean; title?: string; quiet?: boolean; id?: string }) {
  const name = accent ? "tag accent" : quiet ? "tag quiet" : "tag";
  if (!title)
    return (
      <span className={name} data-testid={id}>
        {children}
      </span>
    );
  return (
    <Tooltip label={title} withArrow multiline maw={280} events={{ hover: true, focus: true, touch: true }}>
      <button type="button" className={name} data-testid={id}>
        {children}
      </button>
    </Tooltip>
  );
}

export function Details({ title, children, id, open, onToggle }: { title: ReactNode; children: ReactNode; id?: string; open?: boolean; onToggle?: (open: boolean) => void }) {
  return (
    <details className="details" data-testid={id} open={open} onToggle={(event) => onToggle?.(event.currentTarget.open)}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

export function Code({ children, id, label }: { children: string; id?: string; label: string }) {
  return (
    <pre className="code" data-testid={id} tabIndex={0} aria-label={label}>
      {children}
    </pre>
  );
}

export function Steps({ children }: { children: ReactNode }) {
  return <ol className="steps">{children}</ol>;
}

export function Gate({ title, children, brand }: { title: string; children: ReactNode; brand?: ReactNode }) {
  return (
    <div className="gate">
      <main>
        {brand}
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}

/** A table without virtual rows, for a handful of lines. */
/** `tall`: it scrolls inside itself when it has many lines. */
export function SimpleTable({ head, children, label, numbers = [], tall }: { head: string[]; children: ReactNode; label: string; numbers?: number[]; tall?: boolean }) {
  return (
    <div className={tall ? "scroll-x scroll-y" : "scroll-x"} tabIndex={0} role="region" aria-label={label}>
      <table className="simple">
        <thead>
          <tr>
            {head.map((name, index) => (
              <th key={index} scope="col" className={numbers.includes(index) ? "num" : undefined}>
                {name || <span className="vh">{t("table.actions")}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function Td({ children, number }: { children?: ReactNode; number?: boolean }) {
  return <td className={number ? "num" : undefined}>{children}</td>;
}

const DAY = 86_400_000;

/** Status of the last days in one strip; what nobody knows stays hatched. */
export function Strip({ periods, now, days = 7, label }: { periods: Period[]; now: number; days?: number; label: string }) {
  const from = now - days * DAY;
  const shown = periods
    .map((period) => ({ ...period, a: Math.max(from, Date.parse(period.since)), b: Math.min(now, period.until ? Date.parse(period.until) : now) }))
    .filter((period) => period.b > period.a)
    .sort((x, y) => x.a - y.a);
  const first = shown[0]?.a ?? now;
  const percent = (ms: number) => `${(ms / (days * DAY)) * 100}%`;
  return (
    <div>
      <div className="strip" role="img" aria-label={label}>
        {first > from && <span className="unknown" style={{ inlineSize: percent(first - from) }} />}
        {shown.map((period, index) => (
          <span
            key={index}
            className={period.status}
            style={{ inlineSize: percent(period.b - period.a) }}
            title={`${t(`status.${period.status}`)} · ${format.moment(locale(), period.since, now)} – ${period.until ? format.moment(locale(), period.until, now) : t("time.now")}`}
          />
        ))}
      </div>
      <div className="strip-scale" aria-hidden="true">
        {Array.from({ length: days }, (_, index) => (
          <span key={index}>{format.dayMonth(locale(), from + index * DAY + 1)}</span>
        ))}
        <span>{t("time.now")}</span>
      </div>
    </div>
  );
}

export function PointList({ children }: { children: ReactNode }) {
  return <div className="points">{children}</div>;
}

export function PointRow({ name, main, side, age, outcomes, id }: { name: ReactNode; main?: ReactNode; side?: ReactNode; age?: ReactNode; outcomes?: ReactNode; id?: string }) {
  return (
    <div className="point" data-testid={id}>
      <div className="cell">{name}</div>
      <div className="cell wide">{main}</div>
      <div className="cell">{side}</div>
      <div className="cell last">{age}</div>
      {outcomes && <div className="outcomes">{outcomes}</div>}
    </div>
  );
}

export function Tray({ title, onClose, children, id }: { title: string; onClose: () => void; children: ReactNode; id?: string }) {
  return (
    <aside className="tray" data-testid={id} aria-label={title}>
      <header>
        <span>{title}</span>
        <button type="button" className="linkish end" onClick={onClose}>
          {t("action.clear")}
        </button>
      </header>
      <div>{children}</div>
    </aside>
  );
}

export function Form({ onSubmit, children, id }: { onSubmit: () => void; children: ReactNode; id?: string }) {
  return (
    <form
      className="form"
      data-testid={id}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}

export function Two({ first, second }: { first: ReactNode; second: ReactNode }) {
  return (
    <span className="two">
      <span>{first}</span>
      <span className="dim small">{second}</span>
    </span>
  );
}

export function Swatch({ token }: { token: string }) {
  return <span className="swatch" style={{ background: `var(--${token})` }} />;
}

export function Kbd({ children }: { children: ReactNode }) {
  return <kbd>{children}</kbd>;
}

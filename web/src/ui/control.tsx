import { useEffect, useId, useRef, useState } from "react";
import { format, locale, t, type Key } from "@/words";
import { Icon } from "./icons";
import { Middle } from "./middle";

export type ControlPhase = "asked" | "reading" | "done" | "other" | "failed" | "expired" | "unsupported" | "refused" | "uncertain" | "not_sent" | "unread" | null;

const busy = (phase: ControlPhase) => phase === "asked" || phase === "reading";

/** What the reading says, and beside it what was asked, until the two agree. */
export function SwitchControl(props: {
  id: string;
  label: string;
  value: boolean | null;
  wanted?: boolean;
  phase: ControlPhase;
  stale?: boolean;
  disabled?: string;
  on: string;
  off: string;
  onAsk: (value: boolean) => void;
}) {
  const { id, label, value, wanted, phase, stale, disabled, on, off, onAsk } = props;
  const waiting = busy(phase);
  return (
    <span className="line gap-8">
      <button
        type="button"
        role="switch"
        className={`toggle${stale ? " stale" : ""}`}
        aria-checked={value === null ? "mixed" : value}
        aria-label={label}
        aria-busy={waiting}
        data-phase={phase ?? "idle"}
        data-testid={`control-${id}`}
        disabled={Boolean(disabled)}
        title={disabled}
        onClick={() => onAsk(waiting && wanted !== undefined ? !wanted : !value)}
      >
        <span className="knob" />
        <span>{value === null ? "–" : value ? on : off}</span>
      </button>
      {waiting && <span className="asked small">{t("control.asked_for", { value: wanted ? on : off })}</span>}
    </span>
  );
}

const SETTLE_MS = 450;
const NUMBER = /^[+-]?(\d+([.,]\d*)?|[.,]\d+)$/;

/** What a person typed, as a number; the unit may stand behind it. */
export function numberOf(typed: string, unit: string): number | null {
  const plain = typed.trim().replace(format.MINUS, "-").replace(new RegExp(`\\s*${unit.replace(/[^\w%°]/g, "")}$`, "i"), "").replace(/^([+-])\s+/, "$1");
  return NUMBER.test(plain) ? Number(plain.replace(",", ".")) : null;
}

/** Slider, field and steps for one number. The field shows the reading; while asked, what was asked. */
export function GainControl(props: {
  id: string;
  label: string;
  value: number | null;
  wanted?: number;
  phase: ControlPhase;
  stale?: boolean;
  disabled?: string;
  minimum: number;
  maximum: number;
  step: number;
  unit: string;
  onAsk: (value: number) => void;
}) {
  const { id, label, value, wanted, phase, stale, disabled, minimum, maximum, step, unit, onAsk } = props;
  const [draft, setDraft] = useState<number | null>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const [note, setNote] = useState<{ text: string; wrong: boolean } | null>(null);
  const noteId = useId();
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const waiting = busy(phase);
  const shown = draft ?? (waiting && wanted !== undefined ? wanted : value);
  const digits = format.digitsOf(step);
  const clamp = (n: number) => Math.min(maximum, Math.max(minimum, Number((Math.round((n - minimum) / step) * step + minimum).toFixed(digits))));
  const commit = (n: number) => {
    clearTimeout(timer.current);
    setDraft(null);
    setTyped(null);
    setNote(null);
    onAsk(clamp(n));
  };
  const shownAs = (n: number) => `${format.number(locale(), n, digits)} ${format.unit(unit)}`.trim();
  /** What is no number or out of range is said, never bent into something else. */
  const wrongWith = (text: string): string | null => {
    const n = numberOf(text, unit);
    if (n === null) return t("control.not_a_number");
    return n < minimum || n > maximum ? t("control.out_of_range", { from: format.number(locale(), minimum), to: shownAs(maximum) }) : null;
  };
  const enter = (text: string) => {
    const wrong = wrongWith(text);
    if (wrong) return setNote({ text: wrong, wrong: true });
    const n = numberOf(text, unit)!;
    commit(n);
    if (Math.abs(clamp(n) - n) > 1e-9) setNote({ text: t("control.rounded", { value: shownAs(clamp(n)) }), wrong: false });
  };
  /** Left without Enter: it stays as typed and says what is missing; a phone has no Enter, so there is a button. */
  const left = (text: string) => {
    if (numberOf(text, unit) === shown && shown !== null) setTyped(null);
    else if (!note) {
      const wrong = wrongWith(text);
      setNote({ text: wrong ?? t("control.enter"), wrong: wrong !== null });
    }
  };
  const pending = typed !== null && note !== null && !note.wrong;
  /** Several clicks in a row are one instruction. */
  const later = (n: number) => {
    const next = clamp(n);
    setTyped(null);
    setNote(null);
    setDraft(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => commit(next), SETTLE_MS);
  };
  const bump = (by: number) => later((shown ?? minimum) + by);
  const text = typed ?? (shown === null ? "" : format.number(locale(), shown, digits));

  return (
    <span className={`gain${stale ? " stale" : ""}`} role="group" aria-label={label} data-phase={phase ?? "idle"} data-testid={`control-${id}`}>
      <button type="button" className="step" aria-label={t("control.less", { label })} data-testid={`control-${id}-less`} disabled={Boolean(disabled) || shown === null} onClick={(e) => bump(e.shiftKey ? -10 * step : -step)}>
        −
      </button>
      <input
        type="range"
        aria-label={label}
        aria-valuetext={shown === null ? "–" : `${format.number(locale(), shown, digits)} ${format.unit(unit)}`}
        min={minimum}
        max={maximum}
        step={step}
        value={shown ?? minimum}
        disabled={Boolean(disabled) || shown === null}
        data-testid={`control-${id}-slider`}
        onChange={(e) => setDraft(Number(e.target.value))}
        onPointerUp={(e) => draft !== null && commit(Number(e.currentTarget.value))}
        onKeyUp={(e) => draft !== null && e.key !== "Tab" && later(Number(e.currentTarget.value))}
        onBlur={(e) => draft !== null && commit(Number(e.currentTarget.value))}
      />
      <button type="button" className="step" aria-label={t("control.more", { label })} data-testid={`control-${id}-more`} disabled={Boolean(disabled) || shown === null} onClick={(e) => bump(e.shiftKey ? 10 * step : step)}>
        +
      </button>
      <span className="field">
        <input
          aria-label={t("control.exact", { label })}
          inputMode="decimal"
          value={text}
          disabled={Boolean(disabled)}
          aria-invalid={note?.wrong || undefined}
          aria-describedby={note ? noteId : undefined}
          data-testid={`control-${id}-field`}
          onFocus={(e) => typed === null && e.target.select()}
          onChange={(e) => {
            setTyped(e.target.value);
            setNote(null);
          }}
          onKeyDown={(e) => {
            if (e.key === "Escape") {
              setTyped(null);
              setNote(null);
            }
            if (e.key === "ArrowUp" || e.key === "ArrowDown") {
              e.preventDefault();
              bump((e.key === "ArrowUp" ? 1 : -1) * step * (e.shiftKey ? 10 : 1));
            }
            if (e.key === "Enter" && typed !== null) enter(typed);
          }}
          onBlur={() => typed !== null && left(typed)}
        />
        <span>{format.unit(unit)}</span>
      </span>
      {waiting && <span className="asked small">{t("control.asked")}</span>}
      {note && (
        <span id={noteId} role={note.wrong ? "alert" : "status"} className={note.wrong ? "gain-note wrong" : "gain-note"} data-testid={`control-${id}-note`}>
          {note.text}
          {pending && (
            <button type="button" className="linkish" onClick={() => enter(typed)} data-testid={`control-${id}-set`}>
              {t("verb.control")}
            </button>
          )}
        </span>
      )}
    </span>
  );
}

const TONE: Record<string, string> = { done: "good", other: "unsure", uncertain: "unsure", unread: "unsure", not_sent: "bad", failed: "bad", expired: "bad", refused: "bad", unsupported: "unsure" };

/** How an instruction ended, in its own word. */
export function Outcome(props: { phase: ControlPhase; subject?: string; text?: string; onUndo?: () => void; undo?: string; onRetry?: () => void; onDismiss?: () => void; id?: string }) {
  const { phase, subject, text, onUndo, undo, onRetry, onDismiss, id } = props;
  if (!phase) return null;
  return (
    <div className={`outcome ${TONE[phase] ?? ""}`} role="status" data-testid={id ? `outcome-${id}` : undefined} data-phase={phase}>
      {subject && <Middle strong text={subject} />}{" "}
      <span className={busy(phase) ? "asked" : "word"}>{t(`outcome.${phase}` as Key)}</span> {text && <span>{text}</span>}
      {onRetry && (
        <button type="button" className="linkish" onClick={onRetry} data-testid={id ? `retry-${id}` : undefined}>
          {t("action.retry")}
        </button>
      )}
      {onUndo && (
        <button type="button" className="linkish" onClick={onUndo} data-testid={id ? `undo-${id}` : undefined}>
          {undo ?? t("action.undo")}
        </button>
      )}
      {onDismiss && (
        <button type="button" className="icon-button tiny" aria-label={t("action.dismiss")} onClick={onDismiss}>
          <Icon name="close" size={12} />
        </button>
      )}
    </div>
  );
}

import { Popover } from "@mantine/core";
import type { ReactNode } from "react";
import type { AgentState, Status } from "@/api/types";
import { t, type Key } from "@/words";
import { Icon } from "./icons";

/** ● online, ◆ degraded, ▲ offline, ◇ unknown: colour, shape and word say the same thing. */
export function Shape({ status, size = 11 }: { status: Status | "none"; size?: number }) {
  const tone = `shape tone-${status === "none" ? "unknown" : status}`;
  return (
    <svg className={tone} width={size} height={size} viewBox="0 0 12 12" aria-hidden="true" focusable="false">
      {status === "online" && <circle cx="6" cy="6" r="4.5" fill="currentColor" />}
      {status === "degraded" && <path d="M6 .6 11.4 6 6 11.4 .6 6z" fill="currentColor" />}
      {status === "offline" && <path d="M6 1 11.6 11H.4z" fill="currentColor" />}
      {status === "unknown" && <path d="M6 1.2 10.8 6 6 10.8 1.2 6z" fill="none" stroke="currentColor" strokeWidth="1.5" />}
      {status === "none" && <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.5" />}
    </svg>
  );
}

/** What stands over a status for a while: the line was given to others, or a restart that was asked is not over. */
export type Spell = "handed_off" | "restarting";

/** `stale`: nobody has looked since; what it said last is shown in grey. */
export function StatusMark({ status, id, spell, stale, children }: { status: Status; id?: string; spell?: Spell | null; stale?: boolean; children?: ReactNode }) {
  const tone = spell === "handed_off" || stale ? "unknown" : spell === "restarting" ? "degraded" : status;
  return (
    <span className={`status ${tone}${stale ? " past" : ""}`} data-testid={id ? `status-${id}` : undefined} data-status={status} data-spell={spell ?? undefined} data-stale={stale || undefined}>
      {spell === "handed_off" ? <Icon name="hand" size={13} /> : spell === "restarting" ? <Shape status="degraded" /> : <Shape status={status} />}
      <span className={`word tone-${tone}`}>{t(spell ? (`status.${spell}` as Key) : `status.${status}`)}</span> {children}
    </span>
  );
}

/** connected ●, lost and awaited ◇ in grey, never ○, refused ▲. */
const AGENT_SHAPE: Record<AgentState, Status | "none"> = {
  connected: "online",
  awaited: "unknown",
  lost: "unknown",
  never: "none",
  refused: "offline",
  held_twice: "offline",
};

export function agentShape(state: AgentState): Status | "none" {
  return AGENT_SHAPE[state] ?? "unknown";
}

export function AgentMark({ state, id, children }: { state: AgentState; id?: string; children?: ReactNode }) {
  const shape = agentShape(state);
  return (
    <span className={`status ${shape}`} data-testid={id ? `status-${id}` : undefined} data-status={state}>
      <Shape status={shape} />
      <span className={`word tone-${shape === "none" ? "unknown" : shape}`}>{t(`agent.${state}` as Key)}</span> {children}
    </span>
  );
}

/** A click lists each reason; red is something wrong, grey is something to do. */
export function Bell({ tone = "grey", count, label, children, id }: { tone?: "red" | "grey"; count?: number; label: string; children: ReactNode; id?: string }) {
  return (
    <Popover width={320} position="bottom-start" withArrow shadow="md" withinPortal trapFocus={false}>
      <Popover.Target>
        <button type="button" className={`bell ${tone}`} aria-label={count === undefined ? label : `${label} ${count}`} data-testid={id ? `bell-${id}` : undefined} onClick={(event) => event.stopPropagation()}>
          <Icon name="bell" size={14} />
          {count !== undefined && <span className="small">{count}</span>}
        </button>
      </Popover.Target>
      <Popover.Dropdown>{children}</Popover.Dropdown>
    </Popover>
  );
}

/** As devices are counted: one that is away for a restart that was asked is no failure, though its status is offline. */
export type CountedStatus = Status | "restarting";
const ORDER: CountedStatus[] = ["online", "restarting", "degraded", "offline", "unknown"];

/** "376 online · 3 degraded": every number a door. */
/** `past`: nobody has looked since, so the numbers are grey. */
export function StatusCounts({ counts, door, compact, past }: { counts: Partial<Record<CountedStatus, number>>; door?: (status: CountedStatus, body: ReactNode) => ReactNode; compact?: boolean; past?: boolean }) {
  const shown = ORDER.filter((status) => (counts[status] ?? 0) > 0);
  if (shown.length === 0) return <span className="dim">{t("count.none")}</span>;
  return (
    <span className={compact ? "counts compact" : "counts"}>
      {shown.map((status) => {
        const shape = status === "restarting" ? "degraded" : status;
        const tone = `tone-${past ? "unknown" : shape}`;
        const body = (
          <span className={past ? "status past" : "status"}>
            <Shape status={shape} size={9} />
            {compact ? (
              <span className={tone} title={t(`count.${status}`, { n: counts[status] ?? 0 })}>
                {counts[status]}
                <span className="vh"> {t(`status.${status}`)}</span>
              </span>
            ) : (
              <span className={tone}>{t(`count.${status}`, { n: counts[status] ?? 0 })}</span>
            )}
          </span>
        );
        return <span key={status}>{door ? door(status, body) : body}</span>;
      })}
    </span>
  );
}

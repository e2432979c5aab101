import type { Value } from "@/api/types";
import { errorText, reasonText, t, type Key } from "@/words";
import { commands, mayRetry, phaseOf, wantedOf, type Asked, type Phase } from "./commands";
import type { Newer } from "./undo";

export interface Read {
  value: Value | null;
  time: string | null;
  shown?: string;
  /** Somebody else's word since. */
  newer?: Newer | null;
}

export interface Outcome {
  phase: Phase;
  text: string;
  /** What was set can be put back. */
  undoable: boolean;
  retry?: () => void;
}

const UNDONE = ["control", "locate"];

/** One instruction in words: what it came to, and what the device or the hub said. */
export function outcomeOf(asked: Asked, read?: Read): Outcome {
  const phase = phaseOf(asked.command, asked.error, wantedOf(asked), read?.value, read?.time, Date.now());
  const undoable = (phase === "done" || phase === "other" || phase === "unread") && !asked.undone && Boolean(asked.command?.undo) && UNDONE.includes(asked.capability);
  return { phase, text: textOf(asked, phase, read), undoable, retry: mayRetry(asked) ? () => commands.retry(asked) : undefined };
}

function textOf(asked: Asked, phase: Phase, read?: Read): string {
  const { command, error } = asked;
  if (phase === "not_sent") return t("outcome.not_sent_text");
  if (error?.code === "hub_timed_out") return t("outcome.unanswered_text");
  if (error) return errorText(error);
  if (phase === "expired") return reasonText(command?.reason) || t("outcome.expired_text");
  if (phase === "unread") return t("outcome.unread_text");
  if (phase === "other") return otherText(read);
  if (phase === "asked") {
    const others = command?.person && asked.key === command.id ? t("outcome.asked_by", { person: command.person }) : "";
    return [others, reasonText(command?.reason)].filter(Boolean).join(". ");
  }
  if (command?.reason?.code === "forgotten") return t("outcome.forgotten_text");
  return phase === "reading" || phase === "done" ? "" : reasonText(command?.reason);
}

function otherText(read?: Read): string {
  const value = read?.shown ?? String(read?.value);
  if (read?.newer?.person) return t("outcome.since_by", { value, person: read.newer.person });
  return read?.newer?.device ? t("outcome.since_device", { value }) : t("outcome.other_text", { value });
}

export function verb(capability: string): string {
  return t(`verb.${capability}` as Key);
}

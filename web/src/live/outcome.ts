import type { Value } from "@/api/types";
import { errorText, reasonText, t, type Key } from "@/words";
import { phaseOf, wantedOf, type Asked, type Phase } from "./commands";

/** One instruction in words: what it came to, and what the device or the hub said. */
export function outcomeOf(asked: Asked, read?: { value: Value | null; time: string | null; shown?: string }): { phase: Phase; text: string; undoable: boolean } {
  const phase = phaseOf(asked.command, asked.error, wantedOf(asked), read?.value, read?.time);
  let text = "";
  if (asked.error) text = errorText(asked.error);
  else if (phase === "expired") text = reasonText(asked.command?.reason) || t("outcome.expired_text");
  else if (phase === "other") text = t("outcome.other_text", { value: read?.shown ?? String(read?.value) });
  else if (phase === "asked" && asked.command?.person && asked.key === asked.command.id) text = t("outcome.asked_by", { person: asked.command.person });
  else if (phase !== "asked" && phase !== "reading" && phase !== "done") text = reasonText(asked.command?.reason);
  const undoable = (phase === "done" || phase === "other") && !asked.undone && Boolean(asked.command?.undo) && ["control", "locate", "hands_off"].includes(asked.capability);
  return { phase, text, undoable };
}

export function verb(capability: string): string {
  return t(`verb.${capability}` as Key);
}

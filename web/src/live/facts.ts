import type { Fact, Reason } from "@/api/types";
import { maybe, reasonText, t, type Key } from "@/words";

const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

/** An instruction is told once, when it ended; its steps stand on the device's own page. */
export const worthTelling = (fact: Fact): boolean => fact.type !== "command.accepted" && fact.type !== "command.sent";

/** A fact as a sentence. What its `data` does not tell is left out, never guessed. */
export function factText(fact: Fact, device?: string): string {
  const data = fact.data ?? {};
  const base = maybe(`event.${fact.type}`, fact.type);
  const who = device || text(data.name) || text(data.agent) || text(data.agent_name) || text(data.address);
  const parts: string[] = [];
  if (fact.type === "device.status") {
    const status = text(data.status);
    parts.push(status ? t(`status.${status}` as Key) : base);
    if (who) parts.unshift(who);
    const reason = data.reason as Reason | string | null | undefined;
    if (reason && typeof reason === "object") parts.push(reasonText(reason));
    return parts.join(" · ");
  }
  const capability = text(data.capability);
  if (fact.type.startsWith("command.") && capability) {
    const status = text(data.status) || text(data.state);
    const end = fact.type === "command.ended" && status ? maybe(`command.${status}`, status) : base.toLowerCase();
    parts.push(`${maybe(`verb.${capability}`, capability)}: ${end}`);
  } else parts.push(base);
  if (who) parts.push(who);
  const person = text(data.person);
  if (person && !person.startsWith("usr_")) parts.push(person);
  return parts.join(" · ");
}

import type { Fact, Reason } from "@/api/types";
import { maybe, reasonText, t, type Key } from "@/words";

const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

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
  parts.push(base);
  if (who) parts.push(who);
  if (fact.type.startsWith("command.")) {
    const capability = text(data.capability);
    const status = text(data.status);
    if (capability) parts.push(maybe(`verb.${capability}`, capability));
    if (fact.type === "command.ended" && status) parts.push(maybe(`command.${status}`, status));
  }
  if (text(data.person)) parts.push(text(data.person));
  return parts.join(" · ");
}

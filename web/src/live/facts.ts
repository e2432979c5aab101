import type { Command, Fact, Point, Reason, Value } from "@/api/types";
import { maybe, reasonText, t, type Key } from "@/words";
import { pointText } from "@/words/values";
import { keyName } from "./keys";

const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");
const STEP: Record<string, number> = { "command.accepted": 0, "command.sent": 1, "command.ended": 2 };

/** An instruction is one line, told by its last step; everything else stays as it came. Newest first, as handed in. */
export function foldFacts(facts: readonly Fact[]): Fact[] {
  const last = new Map<string, Fact>();
  const id = (fact: Fact) => (fact.type in STEP ? text(fact.data?.id) : "");
  for (const fact of facts) {
    const command = id(fact);
    const known = last.get(command);
    if (command && (!known || STEP[fact.type]! > STEP[known.type]!)) last.set(command, fact);
  }
  return facts.filter((fact) => !id(fact) || last.get(id(fact)) === fact);
}

export interface Telling {
  /** What the device is called, where the line stands among those of others. */
  device?: string;
  /** Labels, units and steps of the device's points. */
  points?: ReadonlyMap<string, Point>;
  /** What is known of an instruction besides its facts: what was there before. */
  commands?: ReadonlyMap<string, Pick<Command, "undo">>;
}

/** A fact as a sentence. What its `data` does not tell is left out, never guessed. */
export function factText(fact: Fact, telling: Telling = {}): string {
  const data = fact.data ?? {};
  const base = fact.type === "person.second_factor" ? t(data.on ? "event.factor_on" : "event.factor_off") : maybe(`event.${fact.type}`, fact.type);
  const who = telling.device || text(data.name) || text(data.agent) || text(data.agent_name) || text(data.address);
  const reason = data.reason && typeof data.reason === "object" ? (data.reason as Reason) : null;
  if (fact.type === "device.status") {
    const status = text(data.status);
    return [who, status ? t(`status.${status}` as Key) : base, reasonText(reason)].filter(Boolean).join(" · ");
  }
  const person = text(data.person);
  const by = person && !person.startsWith("usr_") ? person : text(data.by) && text(data.by) !== who ? t("fact.by", { person: text(data.by) }) : "";
  if (fact.type in STEP && text(data.capability)) {
    const status = text(data.status) || text(data.state);
    const end = fact.type === "command.ended" && status ? maybe(`command.${status}`, status) : base.toLowerCase();
    const why = status === "done" ? "" : reasonText(reason);
    return [telling.device, deedText(fact, telling), end, why, by].filter(Boolean).join(" · ");
  }
  const where = fact.type === "device.placed" || fact.type.startsWith("location.") ? text(data.path) : "";
  return [base, who, where, by].filter(Boolean).join(" · ");
}

/** "Mic/line input 1 gain: 0.0 → −3.0 dB" */
function deedText(fact: Fact, telling: Telling): string {
  const capability = text(fact.data.capability);
  const args = (fact.data.arguments ?? {}) as Record<string, unknown>;
  const verb = maybe(`verb.${capability}`, capability);
  if (capability === "locate" && typeof args.on === "boolean") return `${verb}: ${t(args.on ? "value.on" : "value.off")}`;
  if (capability === "hands_off" && typeof args.minutes === "number") return args.minutes > 0 ? `${verb}: ${t("hands_off.for", { n: args.minutes })}` : t("hands_off.taken_back");
  if (capability !== "control" || typeof args.key !== "string") return verb;
  const point = telling.points?.get(args.key) ?? { key: args.key, label: "" };
  const to = pointText(point, args.value as Value);
  const undo = telling.commands?.get(text(fact.data.id))?.undo;
  const before = undo ? pointText(point, undo.arguments.value as Value) : "";
  return `${point.label || keyName(args.key)}: ${before ? `${before} → ` : "→ "}${to}`;
}

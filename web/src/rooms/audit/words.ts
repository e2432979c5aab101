import type { AuditAct } from "@/api/types";
import { maybe, type Key } from "@/words";
import { endOfDay, startOfDay } from "@/words/days";

export const KINDS = ["person", "key", "agent", "rule", "system"] as const;
export const RESULTS = ["done", "refused", "failed", "expired", "uncertain", "open"] as const;
/** Groups of acts a reader can ask for; several words belong to the settings of a site. */
export const GROUPS: Record<string, string> = {
  session: "session.*",
  person: "person.*,people.*",
  key: "key.*",
  command: "command.*",
  device: "device.*",
  location: "location.*",
  agent: "agent.*",
  organization: "organization.*",
  message: "message.*",
  view: "view.*",
  local: "hub.*,credentials.*,discovery.*,ceiling.*",
  transcript: "transcript.*",
  audit: "audit.*",
  access: "access.*",
};

export const kindWord = (kind: string): string => maybe(`kind.who_${kind}`, kind);
export const resultWord = (result: string | null): string => maybe(`result.${result ?? "open"}`, result ?? "");

/** What was done, in words: by its own word, as a fact of that name, or as what a device was asked for. */
export function actWord(act: string): string {
  const [group, name] = act.split(".");
  const verb = group === "command" ? maybe(`verb.${name}`, "") : "";
  return maybe(`act.${act}`, "") || verb || maybe(`event.${act}`, act);
}

export const whoName = (act: AuditAct): string => act.who.name || act.who.id || kindWord(act.who.kind);

/** The person whom a site's agent names; the hub can't know. */
export function toldPerson(act: AuditAct): string {
  const told = act.arguments?.told_person;
  return typeof told === "string" ? told : "";
}

/** What it was done to, where that has a name of its own. */
export function subjectName(act: AuditAct): string {
  const parts = [act.arguments, act.after, act.before];
  // of a view its path is the screen it is of
  for (const key of act.act.startsWith("view.") ? ["name"] : ["path", "name", "sign_in"])
    for (const part of parts) {
      const value = part?.[key];
      if (typeof value === "string" && value && value !== whoName(act)) return value;
    }
  return "";
}

const HOUR = 3_600_000;
export const PERIODS: Record<string, { name: Key; ms: number }> = {
  hour: { name: "audit.when_hour", ms: HOUR },
  day: { name: "audit.when_day", ms: 24 * HOUR },
  week: { name: "audit.when_week", ms: 7 * 24 * HOUR },
  month: { name: "audit.when_month", ms: 30 * 24 * HOUR },
};

/** Of the address, what is asked of the hub. Periods end now; days begin and end on the reader's clock. */
export function question(filter: Record<string, string | undefined>, now: number): Record<string, string | undefined> {
  const period = PERIODS[filter.when ?? ""];
  const acts = (filter.acts ?? "").split(",").flatMap((group) => (GROUPS[group] ? [GROUPS[group]] : []));
  return {
    q: filter.q,
    kind: filter.kind,
    who: filter.who,
    act: acts.join() || filter.act,
    device: filter.device,
    subject: filter.subject,
    address: filter.address,
    result: filter.result,
    from: period ? new Date(now - period.ms).toISOString() : (startOfDay(filter.since ?? "") ?? undefined),
    until: period ? undefined : (endOfDay(filter.until ?? "", undefined, 1) ?? undefined),
  };
}

import type { AuditAct, Value } from "@/api/types";
import { keyName } from "@/live/keys";
import { format, locale, maybe, t, type Key } from "@/words";
import { valueText } from "@/words/values";

/** What a change can carry, and how it is called where one enters it. A test keeps this whole. */
export const FIELDS: Record<string, Key> = {
  account: "organization.account",
  address: "field.address",
  confirm: "changed.confirm",
  contact: "field.contact",
  enabled: "changed.enabled",
  ends_ms: "field.ends",
  enterprise: "streams.enterprise",
  facility: "streams.facility",
  from_address: "organization.from",
  from_name: "organization.from_name",
  host: "organization.server",
  interval_s: "changed.interval",
  kind: "field.kind",
  language: "account.language",
  location: "field.location",
  mail: "organization.mail",
  method: "organization.method",
  name: "field.name",
  notes: "field.notes",
  parent: "place.lies_in",
  path: "field.where",
  places: "users.limited",
  policy: "discovery.policy",
  port: "organization.port",
  query: "changed.query",
  reply_to: "organization.reply_to",
  role: "field.role",
  second_factor: "factor.policy",
  security: "organization.security",
  sender: "organization.sender",
  server: "organization.server",
  shared: "changed.shared",
  sign_in: "changed.sign_in",
  site: "field.site",
  sms: "organization.sms",
  state: "field.state",
  subnet: "changed.subnet",
  subnets: "field.subnets",
  terms: "changed.terms",
  timeout_s: "organization.timeout",
  tls: "organization.tls",
  url: "streams.url",
  user: "organization.user",
  zone: "field.zone",
};

/** What ids are called now; undefined for one that is gone, or that the reader may not see. */
export interface Names {
  place?: (id: string) => string | undefined;
  device?: (id: string) => string | undefined;
}

const isPlace = (value: unknown): value is string => typeof value === "string" && value.startsWith("loc_");
const isDevice = (field: string): boolean => field.startsWith("dev_");

/** The words a value is chosen by, where it is one of a few. */
function chosen(act: string, field: string, value: string): string {
  if (field === "role") return maybe(`role.${value}`, value);
  if (field === "state") return maybe(`person.${value}`, value);
  if (field === "second_factor") return maybe(`factor.${value}`, value);
  if (field === "policy") return maybe(`discovery.${value}`, value);
  if (field === "mail.security") return maybe(`organization.${value === "none" ? "unsecured" : value}`, value);
  if (field === "sms.kind") return t(value === "twilio" ? "organization.gateway_form" : "organization.gateway_generic");
  if (field === "kind") return maybe(act.startsWith("audit.") ? `streams.kind_${value}` : `place.${value}`, value);
  if (field === "language") return new Intl.DisplayNames(locale(), { type: "language" }).of(value) ?? value;
  return act === "ceiling.changed" ? maybe(`ceiling.${value}`, value) : value;
}

/** One value as a reader reads it: times on the own clock, lists with commas, places by their paths. */
export function said(act: string, field: string, value: unknown, names: Names = {}): string {
  if (value === null || value === undefined || value === "") return "–";
  if (field.endsWith("_ms") && typeof value === "number") return value === 0 ? "–" : format.absolute(locale(), value);
  if (Array.isArray(value)) return value.length === 0 ? "–" : value.map((each) => said(act, field, each, names)).join(", ");
  if (isPlace(value)) return names.place?.(value) ?? t("changed.place_gone", { id: value });
  if (typeof value === "object") return JSON.stringify(value);
  return typeof value === "string" ? chosen(act, field, value) : valueText(value as Value);
}

/** "mail.server" → "Mail · Server". */
function fieldName(field: string, names: Names): string {
  if (isDevice(field)) return names.device?.(field) ?? t("field.device");
  const own = (part: string) => (FIELDS[part] ? t(FIELDS[part]) : maybe(`field.${part}`, part.replace(/_(ms|s)$/, "").replace(/_/g, " ")));
  return field.split(".").map(own).join(" · ");
}

export interface Difference {
  field: string;
  name: string;
  before: string;
  after: string;
}

/** What lies in a field of its own, as fields: {mail: {port}} → {"mail.port"}. */
function flat(part: Record<string, unknown> | null): Record<string, unknown> {
  const entries = Object.entries(part ?? {});
  return Object.fromEntries(
    entries.flatMap(([field, value]) =>
      value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value).map(([below, each]) => [`${field}.${below}`, each] as const) : [[field, value] as const],
    ),
  );
}

/** What differs, by field; of a change of one value, that alone. */
export function differences(act: AuditAct, names: Names = {}): Difference[] {
  const before = flat(act.before);
  const after = flat(act.after);
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const point = act.arguments?.key;
  return fields
    .map((field) => ({
      field,
      name: field === "value" ? (typeof point === "string" ? keyName(point) : t("audit.change")) : fieldName(field, names),
      before: said(act.act, field, before[field], names),
      after: said(act.act, field, after[field], names),
    }))
    .filter((each) => each.before !== each.after);
}

/** Devices whose own fields a change has: put somewhere, several at once. */
export const devicesIn = (act: AuditAct): string[] => Object.keys({ ...act.before, ...act.after }).filter(isDevice);

/** In one line: "Role: Monitor → Owner". */
export function changeText(act: AuditAct, names: Names = {}): string {
  if (!act.before && !act.after) return "";
  const [first, ...rest] = differences(act, names);
  if (!first) return "";
  const text = `${first.name}: ${first.before} → ${first.after}`;
  return rest.length > 0 ? `${text} +${rest.length}` : text;
}

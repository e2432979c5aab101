import type { Value } from "@/api/types";
import { format, locale, t } from ".";

/** A value as it is read: number with its step's digits and its unit, yes or no, a dash for nothing. */
export function valueText(value: Value | null | undefined, unit = "", step?: number | null): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? t("value.yes") : t("value.no");
  if (typeof value === "number" && unit === "s" && value >= 120) return format.span(locale(), value);
  if (typeof value === "number") {
    const whole = Number.isInteger(value) && !step && unit !== "dB";
    const text = format.number(locale(), value, whole ? 0 : format.digitsOf(step));
    return unit ? `${text} ${format.unit(unit)}` : text;
  }
  return unit ? `${value} ${format.unit(unit)}` : value;
}

/** What a point says in the words of what it is: a mute is muted or open, another switch on or off. */
export function pointText(point: { key: string; unit?: string; step?: number | null }, value: Value | null | undefined): string {
  if (typeof value === "boolean") {
    const mute = point.key.endsWith(".mute");
    return t(mute ? (value ? "value.muted" : "value.open") : value ? "value.on" : "value.off");
  }
  return valueText(value, point.unit ?? (point.key.endsWith(".gain") ? "dB" : ""), point.step);
}

import { Tooltip } from "@mantine/core";
import type { Quality, Value } from "@/api/types";
import { format, locale, maybe, t } from "@/words";
import { Age } from "./time";

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

export function isStale(quality: Quality): boolean {
  return quality !== "good";
}

/** A value with what it is worth: good in ink, everything else grey, hatched, and in words. */
export function ReadValue(props: { value: Value | null; unit?: string; step?: number | null; quality: Quality; text?: string | null; id?: string; shown?: string }) {
  const { value, unit, step, quality, text, id } = props;
  const stale = isStale(quality);
  const shown = quality === "unsupported" ? t("quality.unsupported") : quality === "error" && text ? text : (props.shown ?? valueText(value, unit, step));
  const body = (
    <span className={`value${stale ? " stale" : ""}${value === null ? " none" : ""}`} data-testid={id ? `value-${id}` : undefined} data-quality={quality}>
      {shown}
    </span>
  );
  if (!stale) return body;
  return (
    <Tooltip label={qualityText(quality, text)} withArrow>
      {body}
    </Tooltip>
  );
}

export function qualityText(quality: Quality, text?: string | null): string {
  const said = maybe(`quality.${quality}`, quality);
  return text ? `${said}: ${text}` : said;
}

/** Age and, when it is not good, why. */
export function Source({ quality, seconds, at, id }: { quality: Quality; seconds: number | null; at?: number; id?: string }) {
  return (
    <span className="line gap-8 small">
      {quality !== "good" && quality !== "unsupported" && <span className="dim hatched">{qualityText(quality)}</span>}
      <Age seconds={seconds} at={at} stale={quality !== "good"} id={id} />
    </span>
  );
}

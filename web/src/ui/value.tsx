import { Tooltip } from "@mantine/core";
import type { Quality, Value } from "@/api/types";
import { maybe, t } from "@/words";
import { valueText } from "@/words/values";
import { Age } from "./time";

/** What a value is worth: its quality, or nobody is looking at the moment. */
export type Worth = Quality | "awaited" | "handed_off";

export function isStale(quality: Worth): boolean {
  return quality !== "good";
}

/** A value with what it is worth: good in ink, everything else grey, hatched, and in words. */
export function ReadValue(props: { value: Value | null; unit?: string; step?: number | null; quality: Worth; text?: string | null; id?: string; shown?: string }) {
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

export function qualityText(quality: Worth, text?: string | null): string {
  const said = maybe(`quality.${quality}`, quality);
  return text ? `${said}: ${text}` : said;
}

/** Age and, when it is not good, why. */
export function Source({ quality, seconds, at, id }: { quality: Worth; seconds: number | null; at?: number; id?: string }) {
  return (
    <span className="line gap-8 small">
      {quality !== "good" && quality !== "unsupported" && <span className="dim hatched">{qualityText(quality)}</span>}
      <Age seconds={seconds} at={at} stale={quality !== "good"} id={id} />
    </span>
  );
}

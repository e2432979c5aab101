import type { Device } from "@/api/types";
import { allows, type Ceiling, type Level } from "@/live/ceilings";
import { isHandedOff, type Special } from "@/live/standing";
import { format, locale, t } from "@/words";

export interface Circumstances {
  may: boolean;
  away: boolean;
  special: Special;
  /** Of the site, and what this act needs. */
  ceiling?: Ceiling;
  needs?: Level;
}

/** Why nothing can be asked of a device just now, in a sentence; null when it can. */
export function whyNot(device: Pick<Device, "agent" | "reason">, { may, away, special, ceiling = "", needs = "control" }: Circumstances): string | null {
  if (!may) return t("tool.not_allowed");
  if (away) return t("tool.hub_lost");
  if (device.agent?.state === "awaited") return t("tool.server_awaited");
  if (device.agent && device.agent.state !== "connected") return t("tool.server_lost");
  if (isHandedOff(device)) {
    const until = special.handOff?.until;
    return until ? t("tool.handed_off", { time: format.moment(locale(), until, Date.now()) }) : t("tool.handed_off_open");
  }
  if (ceiling && !allows(ceiling, needs)) return t("tool.over_ceiling", { ceiling: t(`ceiling.${ceiling}`) });
  return special.restart ? t("tool.restarting") : null;
}

import type { Point, Value } from "@/api/types";
import { wantedOf, type Asked } from "./commands";

export interface Newer {
  value: Value | null;
  /** Who set it since, null when it was changed at the device or nobody knows. */
  person: string | null;
  device: boolean;
  time: string | null;
}

/** What somebody else, or somebody at the device, made of it since: an undo would throw that away, so it asks first. */
export function newerThan(asked: Asked, point: Pick<Point, "value" | "origin" | "changed"> | null | undefined): Newer | null {
  const { command } = asked;
  if (!point || !command || asked.capability !== "control") return null;
  const { origin } = point;
  const theirs = origin !== null && origin !== "device" && Boolean(origin.command) && origin.command !== command.id;
  const since = point.changed !== null && point.changed > (command.ended ?? command.asked);
  if (point.value === wantedOf(asked) && !(theirs && since)) return null;
  return { value: point.value, person: theirs ? ((origin as { person?: string }).person ?? null) : null, device: origin === "device" && since, time: since ? point.changed : null };
}

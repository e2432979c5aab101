import type { Device } from "@/api/types";
import { maybe, reasonText, t } from "@/words";

export { nameOf, placeOf } from "@/live/names";

/** The last two names of a path: what people say of a room. */
export function shortPath(path: string): string {
  return path.split(" > ").slice(-2).join(" > ");
}

export function kindName(kind: string): string {
  return maybe(`kind.${kind}`, kind);
}

export function causeOf(device: Device): string {
  const reason = reasonText(device.reason);
  const was = device.status === "unknown" && device.was ? t("status.was", { status: t(`status.${device.was}`) }) : "";
  return [reason, was].filter(Boolean).join(" ");
}

import type { Device } from "@/api/types";
import { maybe, reasonText, t } from "@/words";
import { shortSerial } from "./tree";

export function kindName(kind: string): string {
  return maybe(`kind.${kind}`, kind);
}

export function nameOf(device: Device): string {
  return device.name || device.model || device.address || device.id;
}

/** Two devices never read alike: a name is always beside its place and a short serial. */
export function placeOf(device: Device): string {
  const serial = device.serial_number || device.boxes[0] || "";
  return [device.site.name, serial ? shortSerial(serial) : device.address].filter(Boolean).join(" · ");
}

export function causeOf(device: Device): string {
  const reason = reasonText(device.reason);
  const was = device.status === "unknown" && device.was ? t("status.was", { status: t(`status.${device.was}`) }) : "";
  return [reason, was].filter(Boolean).join(" ");
}

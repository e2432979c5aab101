import type { Device } from "@/api/types";

type Named = Pick<Device, "name" | "model" | "address" | "id">;
type Placed = Named & Pick<Device, "kind" | "serial_number" | "boxes" | "site">;

export function shortSerial(serial: string): string {
  const parts = serial.split("-");
  return parts.length > 2 ? `…${parts.slice(-2).join("-")}` : serial.length > 9 ? `…${serial.slice(-7)}` : serial;
}

export function nameOf(device: Named): string {
  return device.name || device.model || device.address || device.id;
}

/** Two devices never read alike: the stack, the site and a short serial stand beside the name. */
export function placeOf(device: Placed, stack?: Named | null): string {
  const serial = device.serial_number || device.boxes[0] || "";
  const own = stack && stack.id !== device.id ? nameOf(stack) : "";
  return [own, device.site.name, serial ? shortSerial(serial) : device.address].filter(Boolean).join(" · ");
}

/** In one line, where only an id was at hand: "Name_1 · London-02 · London · …2339-40". */
export function fullName(device: Placed, stack?: Named | null): string {
  return `${nameOf(device)} · ${placeOf(device, stack)}`;
}

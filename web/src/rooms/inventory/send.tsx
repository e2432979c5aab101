import type { Device } from "@/api/types";
import { useErrand } from "@/live/send";
import { SendSheet } from "@/ui";

/** Where to go, whom to ask and what is wrong there; with `device` about that one alone. */
export function SendDialog({ place, device, onClose }: { place: string; device?: Device; onClose: () => void }) {
  const errand = useErrand(place, device);
  return errand && <SendSheet errand={errand} onClose={onClose} />;
}

import { useQueries } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { Device } from "@/api/types";
import { fullName } from "./names";

const AT_ONCE = 40;

function useItems(ids: readonly string[]): Map<string, Device> {
  const wanted = [...new Set(ids)].slice(0, AT_ONCE);
  const answers = useQueries({
    queries: wanted.map((id) => ({ queryKey: ["device", id], queryFn: () => api.get<Device>(`/devices/${id}`), staleTime: 60_000, retry: false })),
  });
  const items = new Map<string, Device>();
  answers.forEach(({ data }, index) => data && items.set(wanted[index]!, data));
  return items;
}

/** Devices of which only the id is at hand, and the stacks they belong to; asked once and kept for a minute. */
export function useKnown(ids: readonly string[]): Map<string, Device> {
  const items = useItems(ids);
  const stacks = useItems([...items.values()].flatMap((device) => (device.stack ? [device.stack] : [])));
  return new Map([...stacks, ...items]);
}

/** What they are called in one line. */
export function useNames(ids: readonly string[]): Map<string, string> {
  const known = useKnown(ids);
  return new Map([...known].map(([id, device]) => [id, fullName(device, device.stack ? known.get(device.stack) : null)]));
}

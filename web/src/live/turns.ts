import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "@/api/client";
import type { Message } from "./patch";
import { live } from "./socket";

export interface Turned<T> {
  value: T | undefined;
  /** Why it could not be asked again; what was read before stays. */
  error: unknown;
  retry: () => void;
}

/** What a path gives, asked again whenever a topic of it (several: with commas) says that something changed, and after every gap;
 *  `everyMs` besides, for what no topic tells. */
export function useTurned<T>(topics: string, path: string, enabled = true, everyMs?: number): Turned<T> {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({ queryKey: ["turned", path], queryFn: () => api.get<T>(path), enabled, staleTime: Infinity, refetchInterval: everyMs });
  useEffect(() => {
    if (!enabled) return undefined;
    const apply = (message: Message) => {
      if (message.type !== "error") void client.invalidateQueries({ queryKey: ["turned", path] });
    };
    const leave = topics.split(",").map((topic) => live.hold(topic, { apply }));
    return () => leave.forEach((each) => each());
  }, [client, topics, path, enabled]);
  return { value: data, error, retry: () => void refetch() };
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "@/api/client";
import type { Message } from "./patch";
import { live } from "./socket";

export interface Turned<T> {
  value: T | undefined;
  error: unknown;
}

/** What a path gives, asked again whenever its topic says that something changed, and after every gap. */
export function useTurned<T>(topic: string, path: string, enabled = true): Turned<T> {
  const client = useQueryClient();
  const { data, error } = useQuery({ queryKey: ["turned", path], queryFn: () => api.get<T>(path), enabled, staleTime: Infinity });
  useEffect(() => {
    if (!enabled) return undefined;
    return live.hold(topic, {
      apply(message: Message) {
        if (message.type !== "error") void client.invalidateQueries({ queryKey: ["turned", path] });
      },
    });
  }, [client, topic, path, enabled]);
  return { value: data, error };
}

import { useEffect, useRef, useState } from "react";
import { api, query } from "@/api/client";
import { PAGE, Reading, type Found, type State } from "./acts";
import type { Message } from "./patch";
import { live } from "./socket";

const PACE_MS = 500;

export interface Acts extends State {
  /** Further down. */
  more: () => void;
  /** What failed, once more. */
  retry: () => void;
}

/** Acts that answer a question, newest first; new ones come in at the top, and those that ended meanwhile say so. */
export function useActs(filter: Record<string, string | undefined>): Acts {
  const asked = query({ ...filter, limit: PAGE });
  const ask = (cursor: string | null) => api.get<Found>(`/audit?${asked}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
  const [state, setState] = useState<State>(() => new Reading(ask, () => undefined).state);
  const reading = useRef<Reading | null>(null);

  useEffect(() => {
    const mine = new Reading(ask, setState);
    reading.current = mine;
    setState((old) => ({ ...mine.state, items: old.items }));
    void mine.start();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gapless = true;
    const look = () => {
      timer = undefined;
      void mine.look(gapless);
      gapless = true;
    };
    const leave = live.hold("audit", {
      apply(message: Message) {
        if (message.type === "snapshot") gapless = false;
        if (message.type === "change" || message.type === "snapshot") timer ??= setTimeout(look, PACE_MS);
      },
    });
    return () => {
      mine.end();
      clearTimeout(timer);
      leave();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [asked]);

  return { ...state, more: () => void reading.current?.more(), retry: () => void reading.current?.retry() };
}

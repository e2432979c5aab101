import { useEffect, useRef, useState } from "react";
import { api, query } from "@/api/client";
import type { AuditAct } from "@/api/types";
import type { Message } from "./patch";
import { live } from "./socket";

interface Found {
  items: AuditAct[];
  next: string | null;
  searched_to: string | null;
}

const PAGE = 100;
/** So often a question that finds little is asked on by itself; then the reader says whether to go on. */
const BY_ITSELF = 25;
const FEW = 20;
const PACE_MS = 500;

/** The first page as it is now, before what was read further down; null where something may be missing in between. */
export function joined(fresh: readonly AuditAct[], old: readonly AuditAct[]): AuditAct[] | null {
  const ids = new Set(fresh.map((act) => act.id));
  if (old.length > 0 && !old.some((act) => ids.has(act.id))) return null;
  return [...fresh, ...old.filter((act) => !ids.has(act.id))];
}

export interface Acts {
  acts: AuditAct[];
  next: string | null;
  searchedTo: string | null;
  ready: boolean;
  busy: boolean;
  error: unknown;
  /** Further down. */
  more: () => void;
}

/** Acts that answer a question, newest first; new ones come in at the top, and those that ended meanwhile say so. */
export function useActs(filter: Record<string, string | undefined>): Acts {
  const asked = query({ ...filter, limit: PAGE });
  const [state, setState] = useState<Found>({ items: [], next: null, searched_to: null });
  const [ready, setReady] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = useRef(0);
  const at = useRef(state);
  at.current = state;

  const down = async (mine: number, from: Found) => {
    let found = from;
    for (let n = 0; found.next && n < BY_ITSELF; n++) {
      const page = await api.get<Found>(`/audit?${asked}&cursor=${encodeURIComponent(found.next)}`);
      if (mine !== run.current) return;
      found = { ...page, items: [...found.items, ...page.items] };
      setState(found);
      if (found.items.length - from.items.length >= FEW) return;
    }
  };
  const guard = async (mine: number, work: () => Promise<void>) => {
    setBusy(true);
    try {
      await work();
      if (mine === run.current) setError(null);
    } catch (problem) {
      if (mine === run.current) setError(problem);
    } finally {
      if (mine === run.current) setBusy(false);
    }
  };

  useEffect(() => {
    const mine = ++run.current;
    setReady(false);
    void guard(mine, async () => {
      const page = await api.get<Found>(`/audit?${asked}`);
      if (mine !== run.current) return;
      setState(page);
      setReady(true);
      if (page.items.length < FEW) await down(mine, page);
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      timer = undefined;
      try {
        const page = await api.get<Found>(`/audit?${asked}`);
        if (mine !== run.current) return;
        const items = joined(page.items, at.current.items);
        setState(items === null || at.current.items.length === 0 ? page : { ...at.current, items });
        setReady(true);
        setError(null);
      } catch (problem) {
        if (mine === run.current) setError(problem);
      }
    };
    const leave = live.hold("audit", {
      apply(message: Message) {
        if (message.type === "change" || message.type === "snapshot") timer ??= setTimeout(() => void look(), PACE_MS);
      },
    });
    return () => {
      run.current += 1;
      clearTimeout(timer);
      leave();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [asked]);

  const more = () => {
    const mine = run.current;
    void guard(mine, () => down(mine, at.current));
  };
  return { acts: state.items, next: state.next, searchedTo: state.searched_to, ready, busy, error, more };
}

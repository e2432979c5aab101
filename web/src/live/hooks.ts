import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { api, ApiError } from "@/api/client";
import type { Agent, AgentDetail, Command, Device, ExternalHub, Fact, Found, Page, Point, Problem, Summary, Ways } from "@/api/types";
import { away } from "./away";
import { applyDevice, applyList, merge, type DeviceState, type ListState, type Message, type Stamped } from "./patch";
import { live, type Line } from "./socket";

/** Something outside React that tells its readers when it changed. */
class Store {
  version = 0;
  private listeners = new Set<() => void>();
  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  getVersion = () => this.version;
  protected tell(): void {
    this.version += 1;
    this.listeners.forEach((listener) => listener());
  }
}

export function useVersion(store: { subscribe: (l: () => void) => () => void; getVersion: () => number }): number {
  return useSyncExternalStore(store.subscribe, store.getVersion);
}

export function useLine(): Line {
  return useSyncExternalStore(live.watch, () => live.line);
}

/** Since when the hub is away (browser time of its last word), or null. */
export function useAway(): number | null {
  return useSyncExternalStore(away.subscribe, away.get);
}

/** One thing (summary, an agent, the external hub): a snapshot, then changed top-level fields. */
class DocStore<T extends object> extends Store {
  value: (T & Stamped) | null = null;
  error: ApiError | null = null;
  gone = false;
  apply(message: Message): void {
    if (message.type === "error") this.error = new ApiError(message.data as Problem);
    else if (message.type === "gone") this.gone = true;
    else {
      this.gone = false;
      this.error = null;
      const old = message.type === "snapshot" ? undefined : (this.value ?? undefined);
      this.value = { ...merge<T>(old, message.data as Partial<T>, Date.now()), at: Date.now() };
    }
    this.tell();
  }
}

export interface Doc<T> {
  value: (T & Stamped) | null;
  error: ApiError | null;
  gone: boolean;
}

function useDoc<T extends object>(topic: string | null): Doc<T> {
  // the store belongs to its topic
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const store = useMemo(() => new DocStore<T>(), [topic]);
  useEffect(() => (topic ? live.hold(topic, store) : undefined), [topic, store]);
  useVersion(store);
  return store;
}

export const useSummary = () => useDoc<Summary>("summary");
export const useAgent = (id: string) => useDoc<AgentDetail>(`agent:${id}`);
export const useExternal = (enabled = true) => useDoc<ExternalHub>(enabled ? "external" : null);
export const useWays = () => useDoc<Ways>("messages");

class DeviceStore extends Store {
  state: DeviceState<Device, Point, Command> = { device: null, points: new Map(), commands: [] };
  error: ApiError | null = null;
  gone = false;
  ready = false;
  apply(message: Message): void {
    if (message.type === "error") this.error = new ApiError(message.data as Problem);
    else {
      this.error = null;
      this.gone = message.type === "gone";
      this.state = this.gone ? this.state : applyDevice(this.state, message, Date.now());
      this.ready = true;
    }
    this.tell();
  }
}

export function useDevice(id: string | null): DeviceStore {
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const store = useMemo(() => new DeviceStore(), [id]);
  useEffect(() => (id ? live.hold(`device:${id}`, store) : undefined), [id, store]);
  useVersion(store);
  return store;
}

const MORE_AT_ONCE = 1000;

/**
 * A list that may hold 10,000 rows: React sees the order and, per visible row, that row. The topic brings the first
 * page; the others are fetched behind it, and the topic's changes apply to all of them.
 */
export class ListStore<T extends { id: string }> extends Store {
  state: ListState<T> = { rows: new Map(), total: 0, next: null };
  error: ApiError | null = null;
  ready = false;
  shape = 0;
  private rowListeners = new Map<string, Set<() => void>>();
  private run = 0;
  private pending = false;

  constructor(private path: string | null) {
    super();
  }

  get rows(): Map<string, T & Stamped> {
    return this.state.rows;
  }

  apply(message: Message): void {
    if (message.type === "error") {
      this.error = new ApiError(message.data as Problem);
      this.tell();
      return;
    }
    this.error = null;
    const first = !this.ready;
    this.ready = true;
    const { touched, shape } = applyList(this.state as ListState<T & Record<string, unknown>>, message, Date.now());
    if (shape) this.shape += 1;
    for (const id of touched) this.rowListeners.get(id)?.forEach((listener) => listener());
    if (message.type === "snapshot") void this.rest();
    if (first || shape) this.tell();
    else this.soon();
  }

  subscribeRow(id: string, listener: () => void): () => void {
    let listeners = this.rowListeners.get(id);
    if (!listeners) this.rowListeners.set(id, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.rowListeners.delete(id);
    };
  }

  /** Order, groups and counts follow at a human pace; the rows themselves were told at once. */
  private soon(): void {
    if (this.pending) return;
    this.pending = true;
    setTimeout(() => {
      this.pending = false;
      this.tell();
    }, 300);
  }

  private async rest(): Promise<void> {
    const run = ++this.run;
    while (this.path && this.state.next && run === this.run) {
      try {
        const page = await api.get<Page<T>>(`${this.path}&cursor=${encodeURIComponent(this.state.next)}`);
        if (run !== this.run) return;
        const now = Date.now();
        for (const item of page.items) if (!this.state.rows.has(item.id)) this.state.rows.set(item.id, merge<T>(undefined, item, now));
        this.state.next = page.next;
        this.shape += 1;
        this.tell();
      } catch {
        return;
      }
    }
  }
}

function useList<T extends { id: string }>(topic: string | null, path: string | null): ListStore<T> {
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const store = useMemo(() => new ListStore<T>(path), [topic]);
  useEffect(() => (topic ? live.hold(topic, store) : undefined), [topic, store]);
  useVersion(store);
  return store;
}

export function useDevices(query: string | null): ListStore<Device> {
  const full = query === null ? null : `${query}${query ? "&" : ""}limit=${MORE_AT_ONCE}`;
  return useList<Device>(full === null ? null : `list:${full}`, full === null ? null : `/devices?${full}`);
}

export const useAgents = () => useList<Agent>("agents", null);
export const useFound = () => useList<Found>("found", null);

export function useRow<T extends { id: string }>(store: ListStore<T>, id: string): (T & Stamped) | undefined {
  return useSyncExternalStore(
    (listener) => store.subscribeRow(id, listener),
    () => store.rows.get(id),
  );
}

/** Newest facts of a device, site, place or everything: fetched once, then what the `events` topic adds. Of a place (and all below it) only
 *  devices are told, and `among` says which of them are there. */
export function useFacts(filter: { device?: string; site?: string; location?: string; among?: ReadonlyMap<string, unknown> }, limit = 50): { items: Fact[]; ready: boolean; error: unknown; retry: () => void } {
  const [items, setItems] = useState<Fact[]>([]);
  const [ready, setReady] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { device, site, location } = filter;
  const among = useRef(filter.among);
  among.current = filter.among;
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    let current = true;
    const mine = (fact: Fact) => (!device || fact.device === device) && (!site || fact.site === site) && (!location || Boolean(fact.device && among.current?.has(fact.device)));
    const add = (facts: Fact[], fits = mine) =>
      setItems((old) => {
        const byId = new Map(old.map((fact) => [fact.id, fact]));
        for (const fact of facts) if (fits(fact)) byId.set(fact.id, fact);
        return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, 200);
      });
    setItems([]);
    setReady(false);
    setError(null);
    const load = () => {
      const params = [`before=${Number.MAX_SAFE_INTEGER}`, `limit=${limit}`, device && `device=${device}`, site && `site=${site}`, location && `location=${location}`];
      api
        .get<{ items: Fact[] }>(`/events?${params.filter(Boolean).join("&")}`)
        .then((page) => {
          if (!current) return;
          add(page.items, () => true);
          setReady(true);
          setError(null);
        })
        .catch((problem: unknown) => current && setError(problem));
    };
    let first = true;
    const leave = live.hold("events", {
      apply(message) {
        if (message.type === "snapshot") {
          if (!first) load(); // after a gap or a reconnect: read what was missed
          first = false;
        } else if (message.type === "change") add((message.data as { items: Fact[] }).items ?? []);
      },
    });
    again.current = load;
    load();
    return () => {
      current = false;
      leave();
    };
  }, [device, site, location, limit]);
  return { items, ready, error, retry: () => again.current() };
}

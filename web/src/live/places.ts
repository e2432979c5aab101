import { useEffect, useMemo, useState } from "react";
import type { Place, Status } from "@/api/types";
import { ListStore, useVersion } from "./hooks";
import type { Message } from "./patch";
import { live } from "./socket";

/** The topic `locations`: whole items, and the order of the tree (parents before children, siblings as people sort them). */
export class PlacesStore extends ListStore<Place> {
  order: string[] = [];
  /** Devices, stacks left out, that are nowhere. */
  unplaced = 0;
  /** The hub's alone to change: a Local Agent shows a copy. */
  managed = false;

  constructor() {
    super(null);
  }

  override apply(message: Message): void {
    const data = (message.data ?? {}) as { items?: Place[]; order?: string[]; unplaced?: number; managed?: boolean };
    if (message.type === "snapshot") this.order = (data.items ?? []).map((item) => item.id);
    else if (data.order) this.order = data.order;
    if (typeof data.unplaced === "number") this.unplaced = data.unplaced;
    if (typeof data.managed === "boolean") this.managed = data.managed;
    super.apply(message);
  }

  /** All places, in the order of the tree. */
  get all(): Place[] {
    return this.order.flatMap((id) => this.rows.get(id) ?? []);
  }
}

export function usePlaces(enabled = true): PlacesStore {
  const store = useMemo(() => new PlacesStore(), []);
  useEffect(() => (enabled ? live.hold("locations", store) : undefined), [enabled, store]);
  useVersion(store);
  return store;
}

type Rows = ReadonlyMap<string, Place>;

/** By parent ("" for the uppermost), in the order of the tree. */
export function childrenOf(places: readonly Place[]): Map<string, Place[]> {
  const ids = new Set(places.map((place) => place.id));
  const children = new Map<string, Place[]>();
  for (const place of places) {
    const above = place.parent && ids.has(place.parent) ? place.parent : "";
    const list = children.get(above);
    if (list) list.push(place);
    else children.set(above, [place]);
  }
  return children;
}

const RANK: Record<Status, number> = { offline: 0, degraded: 1, unknown: 2, online: 3 };

/** The way down to where it is worst: on each level the worst place, and of two alike the one with more devices so. Nothing where all is well. */
export function worstWay(children: ReadonlyMap<string, readonly Place[]>): string[] {
  const way: string[] = [];
  let level = children.get("") ?? [];
  while (level.length > 0) {
    const worse = (a: Place, b: Place) => RANK[a.worst ?? "online"] - RANK[b.worst ?? "online"] || (b.devices[b.worst ?? "online"] ?? 0) - (a.devices[a.worst ?? "online"] ?? 0);
    const worst = [...level].sort(worse)[0]!;
    if (!worst.worst || worst.worst === "online") break;
    way.push(worst.id);
    level = children.get(worst.id) ?? [];
  }
  return way;
}

/** The place itself, then those above it up to the uppermost. */
export function above(rows: Rows, id: string): Place[] {
  const found: Place[] = [];
  for (let place = rows.get(id); place && !found.includes(place); place = place.parent ? rows.get(place.parent) : undefined) found.push(place);
  return found;
}

/** Whether a place is `top` or lies below it. */
export const isUnder = (rows: Rows, id: string, top: string): boolean => above(rows, id).some((place) => place.id === top);

/** The place above that says what is inherited here; undefined where the place itself says it, or nobody does. */
export function inheritedFrom(rows: Rows, place: Place, field: string): Place | undefined {
  return place.own.includes(field) ? undefined : above(rows, place.id).slice(1).find((each) => each.own.includes(field));
}

/** Whether every word stands in the path. */
export function found(place: Place, q: string): boolean {
  const path = place.path.toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => path.includes(word));
}

export interface PlaceLine {
  id: string;
  depth: number;
  opens: boolean;
  open: boolean;
}

/** The lines of the tree table, or of what lies below `top`. A search shows what it finds and the way to it, all open. */
export function placeLines(places: readonly Place[], isOpen: (id: string) => boolean, q = "", top = ""): PlaceLine[] {
  const rows = new Map(places.map((place) => [place.id, place]));
  const shown = q ? new Set(places.filter((place) => found(place, q)).flatMap((place) => above(rows, place.id).map((each) => each.id))) : null;
  const children = childrenOf(places);
  const lines: PlaceLine[] = [];
  const add = (place: Place, depth: number) => {
    const below = (children.get(place.id) ?? []).filter((each) => !shown || shown.has(each.id));
    const open = below.length > 0 && (shown !== null || isOpen(place.id));
    lines.push({ id: place.id, depth, opens: below.length > 0, open });
    if (open) for (const each of below) add(each, depth + 1);
  };
  for (const place of children.get(top) ?? []) if (!shown || shown.has(place.id)) add(place, 0);
  return lines;
}

/** What the reader opened and closed, and what opened by itself: as long as the page lives, so that going back finds it as it was. */
const twisted = new Map<string, boolean>();
const opened = new Set<string>();

/** `own` changes when the reader changed what is shown. */
export function usePlaceLines(store: PlacesStore, q = "", top = ""): { lines: PlaceLine[]; toggle: (id: string, open: boolean) => void; own: string } {
  const [turns, setTurns] = useState(0);
  const lines = useMemo(
    () => {
      const places = store.all;
      // what opened by itself stays open until the reader closes it: rows never jump back
      for (const id of worstWay(childrenOf(places))) opened.add(id);
      return placeLines(places, (id) => twisted.get(id) ?? opened.has(id), q, top);
    },
    // the store's own version says when its rows changed
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [store, store.version, q, top, turns],
  );
  const toggle = (id: string, open: boolean) => {
    twisted.set(id, open);
    setTurns((n) => n + 1);
  };
  return { lines, toggle, own: `${q}|${turns}|${store.ready}` };
}

/** As choices, by their paths: all of them, or those that are `allowed`. */
export function usePlaceChoices(store: PlacesStore, allowed?: (place: Place) => boolean): { value: string; label: string }[] {
  const all = useMemo(
    () => store.all.map((place) => ({ value: place.id, label: place.path })),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [store, store.version],
  );
  return allowed ? all.filter(({ value }) => allowed(store.rows.get(value)!)) : all;
}

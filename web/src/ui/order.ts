import { useCallback, useEffect, useMemo, useRef, useState, type PointerEvent as Pointed } from "react";

/** How many rows came, went or moved between two orders: what the "12 changes" chip counts. */
export function changesBetween(before: readonly string[], after: readonly string[]): number {
  const place = new Map(before.map((id, index) => [id, index]));
  const known = after.filter((id) => place.has(id));
  const added = after.length - known.length;
  const removed = before.length - known.length;
  return added + removed + (known.length - longestRise(known.map((id) => place.get(id)!)));
}

/** Length of the longest increasing subsequence: the rows that kept their order. */
export function longestRise(numbers: readonly number[]): number {
  const tails: number[] = [];
  for (const n of numbers) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tails[middle]! < n) low = middle + 1;
      else high = middle;
    }
    tails[low] = n;
  }
  return tails.length;
}

/**
 * The order on screen: follows the wanted one, but waits while the pointer is inside. What the reader does himself
 * (filter, sort, open a row: all that is in `own`) takes effect at once.
 */
export function useHeldOrder<T extends { key: string }>(wanted: T[], own: string): { shown: T[]; waiting: number; release: () => void; hold: { onPointerEnter: (event: Pointed<HTMLElement>) => void; onPointerLeave: () => void } } {
  const [inside, setInside] = useState(false);
  const [, poke] = useState(0);
  const held = useRef<{ own: string; list: T[] }>({ own, list: wanted });
  const growing = held.current.list.length === 0;
  if (!inside || held.current.own !== own || growing) held.current = { own, list: wanted };
  const shown = held.current.list;
  const waiting = useMemo(() => (shown === wanted ? 0 : changesBetween(shown.map((e) => e.key), wanted.map((e) => e.key))), [shown, wanted]);
  const release = useCallback(() => {
    held.current = { own, list: wanted };
    poke((n) => n + 1);
  }, [own, wanted]);
  const list = useRef<HTMLElement | null>(null);
  useEffect(() => {
    if (!inside) return undefined;
    // a menu of a row that closed under the pointer never says that the pointer left
    const look = ({ target }: PointerEvent) => {
      if (target instanceof Element && !list.current?.contains(target) && !target.closest("[role=menu], .mantine-Popover-dropdown")) setInside(false);
    };
    document.addEventListener("pointerover", look);
    return () => document.removeEventListener("pointerover", look);
  }, [inside]);
  // touch has no hover: only a mouse or pen holds the order
  const hold = useMemo(
    () => ({
      onPointerEnter: (event: Pointed<HTMLElement>) => {
        list.current = event.currentTarget;
        setInside(typeof matchMedia === "undefined" || matchMedia("(hover: hover)").matches);
      },
      onPointerLeave: () => setInside(false),
    }),
    [],
  );
  return { shown, waiting, release, hold };
}

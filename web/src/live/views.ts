import { api, query } from "@/api/client";
import type { View } from "@/api/types";
import { differing } from "./edits";
import { useAway } from "./hooks";
import { useTurned } from "./turns";
import { t } from "@/words";

type Filter = Record<string, string | undefined>;

/** Of an address, what makes a view: only its fields, empty ones left out, in one order. */
export function viewQuery(filter: Filter, fields: readonly string[]): string {
  return query(Object.fromEntries(fields.map((field) => [field, filter[field]])));
}

/** Whether two filters ask the same; the hub writes blanks in another way. */
export function sameQuery(one: string, other: string): boolean {
  const plain = (text: string) => JSON.stringify([...new URLSearchParams(text)].filter(([, value]) => value).sort());
  return plain(one) === plain(other);
}

/** The named filters of one list. `fields`: those of the address that are part of one; opening a view sets each of them. */
export function useViews(path: string, fields: readonly string[], filter: Filter, onFilter: (change: Filter) => void) {
  const { value, error, retry } = useTurned<{ items: View[] }>("views", "/views");
  const away = useAway() !== null;
  const views = (value?.items ?? []).filter((view) => view.path === path);
  const now = viewQuery(filter, fields);
  const same = views.filter((view) => sameQuery(view.query, now));
  return {
    views,
    current: now ? (same.find((view) => view.own) ?? same[0]) : undefined,
    query: now,
    reason: away ? t("tool.hub_lost") : null,
    ready: value !== undefined,
    error,
    onRetry: retry,
    onOpen: (view: View) => {
      const asked = new URLSearchParams(view.query);
      onFilter(Object.fromEntries(fields.map((field) => [field, asked.get(field) ?? ""])));
    },
    onAdd: async (name: string, shared: boolean) => void (await api.post("/views", { path, name, query: now, shared })),
    onChange: async (view: View, change: { name?: string; shared?: boolean; query?: string }) => void (await api.patch(`/views/${view.id}`, differing<object>(view, change))),
    onDelete: (view: View) => api.delete(`/views/${view.id}`),
  };
}

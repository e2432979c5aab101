import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useCallback } from "react";

export type Search = Record<string, string>;

export const parseSearch = (text: string): Search => Object.fromEntries(new URLSearchParams(text.startsWith("?") ? text.slice(1) : text));

export const stringifySearch = (search: Record<string, unknown>): string => {
  const filled = Object.entries(search).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(filled.map(([key, value]) => [key, String(value)])).toString().replace(/%2C/g, ",");
  return text ? `?${text}` : "";
};

/** Go to a path of the product; it may carry a query string. */
export function useGo(): (to: string, replace?: boolean) => void {
  const navigate = useNavigate();
  return useCallback(
    (to, replace = false) => {
      const [path, text] = to.split("?");
      void navigate({ to: path as never, search: parseSearch(text ?? "") as never, replace });
    },
    [navigate],
  );
}

/** The filter of a list lives in the address, so that back works and a list can be sent to somebody. */
export function useFilter(): [Search, (change: Record<string, string | undefined>) => void] {
  const navigate = useNavigate();
  const search = useRouterState({ select: (state) => state.location.search as Search });
  const set = useCallback(
    (change: Record<string, string | undefined>) => {
      void navigate({
        to: "." as never,
        search: ((old: Search) => {
          const next: Record<string, string | undefined> = { ...old, ...change };
          return Object.fromEntries(Object.entries(next).filter(([, value]) => value)) as Search;
        }) as never,
        replace: true,
        resetScroll: false,
      });
    },
    [navigate],
  );
  return [search, set];
}

export function usePathId(): string {
  return useRouterState({ select: (state) => decodeURIComponent(state.location.pathname.split("/").filter(Boolean).at(-1) ?? "") });
}

import type { ApiKey } from "@/api/types";
import { maybe, t, type Key } from "@/words";

export const SCOPES = ["read", "control", "administer"] as const;

export const scopeName = (scope: string): string => maybe(`scope.${scope}`, scope);

/** What is left of a key's scope now, and why it is less, each apart and both as a sentence; null where it does all of it. */
export function leftOf(key: ApiKey): { left: string; why: string; sentence: string } | null {
  if (!key.weaker) return null;
  const left = key.scope_now ? t("keys.now", { scope: scopeName(key.scope_now) }) : t("keys.nothing");
  const word = `weaker.${key.weaker}`;
  const why = maybe(word, "") ? t(word as Key, { person: key.person.name }) : t("weaker.other");
  const sentence = key.scope_now ? t("keys.less", { scope: scopeName(key.scope_now), why }) : t("keys.does_nothing", { why });
  return { left, why, sentence };
}

/** How the key begins, with a sign that it goes on. */
export const startOf = (key: ApiKey): string => (key.prefix ? `${key.prefix}…` : "");

import { useSyncExternalStore } from "react";
import type { Reason } from "@/api/types";
import { en } from "./en";
import * as format from "./format";

export type Entry = string | { one: string; other: string };
export type Key = keyof typeof en;
export type Catalogue = Record<Key, Entry>;
export type Language = "en" | "de" | "es";
export type Fill = Record<string, string | number | null | undefined>;

export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch", es: "Español" };
const loaders: Record<Exclude<Language, "en">, () => Promise<Catalogue>> = {
  de: async () => (await import("./de")).de,
  es: async () => (await import("./es")).es,
};

let language: Language = "en";
let catalogue: Catalogue = en;
const listeners = new Set<() => void>();

export function currentLanguage(): Language {
  return language;
}

/** What a number or date is written by: the viewer's own region when it speaks the chosen language. */
export function locale(): string {
  const own = typeof navigator === "undefined" ? undefined : navigator.languages?.find((l) => l.startsWith(language));
  return own ?? (language === "en" ? "en-GB" : language);
}

export async function setLanguage(next: Language): Promise<void> {
  catalogue = next === "en" ? en : await loaders[next]();
  language = next;
  document.documentElement.lang = next;
  document.documentElement.dir = ["ar", "he", "fa"].includes(next) ? "rtl" : "ltr";
  try {
    localStorage.setItem("soundpost.language", next);
  } catch {
    /* private window: the choice lasts as long as the page */
  }
  listeners.forEach((listener) => listener());
}

export async function startLanguage(): Promise<void> {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem("soundpost.language");
  } catch {
    /* private window */
  }
  const wanted = [stored, ...(navigator.languages ?? [])].map((l) => l?.slice(0, 2)).find((l) => l && l in LANGUAGES);
  if (wanted && wanted !== "en") await setLanguage(wanted as Language);
}

export function fill(entry: Entry, values: Fill | undefined, lang: string): string {
  let text: string;
  if (typeof entry === "string") text = entry;
  else {
    const n = Number(values?.n ?? 0);
    text = new Intl.PluralRules(lang).select(n) === "one" ? entry.one : entry.other;
  }
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined || value === null) return whole;
    return typeof value === "number" ? format.number(lang, value, Number.isInteger(value) ? 0 : 1) : value;
  });
}

export function t(key: Key, values?: Fill): string {
  return fill(catalogue[key] ?? en[key] ?? key, values, language === "en" ? locale() : language);
}

/** A key made at run time, with what to say when the catalogue has none. */
export function maybe(key: string, fallback: string, values?: Fill): string {
  const entry = (catalogue as Record<string, Entry>)[key];
  return entry === undefined ? fallback : fill(entry, values, language);
}

const STAMP = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** The hub writes times in UTC; a person reads the own clock. */
function ownClock(text: string): string {
  return text.replace(STAMP, (iso) => format.moment(locale(), iso, Date.now()));
}

function filled(params: Record<string, unknown> | undefined): Fill {
  return Object.fromEntries(Object.entries(params ?? {}).map(([name, value]) => [name, typeof value === "string" ? ownClock(value) : (value as Fill[string])]));
}

/** By code; a code that means more with a certain param has a sentence of its own for it: `reason.agent_lost` and `reason.agent_lost_until`; or with a
 *  certain word in it: `reason.agent_lost_cause_disk_failed`. */
function byCode(kind: string, code: string, params: Record<string, unknown> | undefined): string {
  const values = filled(params);
  const words = Object.entries(values).filter(([, value]) => typeof value === "string" && /^[a-z_]+$/.test(value));
  const keys = [...words.map(([name, word]) => `${kind}.${code}_${name}_${word}`), ...Object.keys(values).map((name) => `${kind}.${code}_${name}`), `${kind}.${code}`];
  for (const key of keys) {
    const text = maybe(key, "", values);
    if (text && !/\{\w+\}/.test(text)) return text;
  }
  return "";
}

/** The server's reason in the reader's language. Its English sentence is the exact one; other languages go by the code. */
export function reasonText(reason: Reason | null | undefined): string {
  if (!reason) return "";
  if (language === "en" && reason.text) return ownClock(reason.text);
  return byCode("reason", reason.code, reason.params) || ownClock(reason.text) || reason.code;
}

interface Told {
  code: string;
  message: string;
  params?: Record<string, unknown>;
}

/** An error in one sentence, by code; the server's own sentence when the catalogue has none. */
export function errorText(error: unknown): string {
  const told = error as Partial<Told> | undefined;
  if (language === "en" && told?.code && told.message) return told.message;
  if (told?.code) return byCode("error", told.code, told.params) || told.message || t("error.unexpected");
  return t("error.unexpected");
}

export function errorCode(error: unknown): string {
  return (error as Partial<Told> | undefined)?.code ?? "unexpected";
}

/** Re-render when the language changes. */
export function useWords(): typeof t {
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => language,
  );
  return t;
}

export { format };

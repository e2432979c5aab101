import { useState } from "react";

export type Fields = Record<string, string>;

/** What somebody typed, and what stood there when they began. */
interface Edit {
  base: string;
  mine: string;
}

export type Edits<F extends Fields> = { [K in keyof F]?: Edit };

/** A field that another changed while somebody here typed into it. */
export interface Clash {
  field: string;
  theirs: string;
  mine: string;
}

/** What is typed, and what stands at the hub `now` in every field nobody touched here. */
export function valuesOf<F extends Fields>(edits: Edits<F>, now: F): F {
  const typed = Object.entries(edits).map(([field, edit]) => [field, (edit as Edit).mine]);
  return { ...now, ...Object.fromEntries(typed) } as F;
}

/** What has to be sent: only what was typed here, so that nobody else's word is taken back. */
export function changesOf<F extends Fields>(edits: Edits<F>, now: F): Partial<F> {
  return Object.fromEntries(Object.entries(valuesOf(edits, now)).filter(([field, value]) => value !== now[field])) as Partial<F>;
}

/** Where both typed something else. The same word twice is none. */
export function clashesOf<F extends Fields>(edits: Edits<F>, now: F): Clash[] {
  return (Object.entries(edits) as [string, Edit][])
    .filter(([field, { base, mine }]) => now[field] !== base && now[field] !== mine)
    .map(([field, { mine }]) => ({ field, theirs: now[field] ?? "", mine }));
}

/** The same edits with `text` in a field. What says again what stands there is no edit any more. */
export function said<F extends Fields>(edits: Edits<F>, now: F, field: keyof F, text: string): Edits<F> {
  const { [field]: old, ...others } = edits;
  const base = old?.base ?? now[field]!;
  return (text === base && text === now[field] ? others : { ...edits, [field]: { base, mine: text } }) as Edits<F>;
}

/** What differs from what stood in a dialog at first: the rest is not said, so that nobody else's word is taken back. */
export function differing<T extends object>(first: T, wanted: T): Partial<T> {
  return Object.fromEntries(Object.entries(wanted).filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(first[field as keyof T]))) as Partial<T>;
}

export interface Editing<F extends Fields> {
  values: F;
  /** Nothing is to be saved while one is open. */
  clashes: Clash[];
  changed: boolean;
  say: (field: keyof F, text: string) => void;
  settle: (field: string, mine: boolean) => void;
  /** What has to be sent, by what the hub just said; null where somebody must choose first. */
  check: (fresh: F) => Partial<F> | null;
}

/** The fields of a dialog over what the hub says live: `known`. What nobody touches here follows it. */
export function useEdits<F extends Fields>(known: F): Editing<F> {
  const [edits, setEdits] = useState<Edits<F>>({});
  const [read, setRead] = useState<{ known: string; fresh: F } | null>(null);
  const key = JSON.stringify(known);
  // what was asked for just before saving counts until the live line says something newer
  const now = read?.known === key ? read.fresh : known;
  return {
    values: valuesOf(edits, now),
    clashes: clashesOf(edits, now),
    changed: Object.keys(changesOf(edits, now)).length > 0,
    say: (field, text) => setEdits((old) => said(old, now, field, text)),
    settle: (field, mine) =>
      setEdits((old) => {
        const { [field]: edit, ...others } = old as Record<string, Edit>;
        return (mine && edit ? { ...old, [field]: { base: now[field], mine: edit.mine } } : others) as Edits<F>;
      }),
    check: (fresh) => {
      setRead({ known: key, fresh });
      return clashesOf(edits, fresh).length > 0 ? null : changesOf(edits, fresh);
    },
  };
}

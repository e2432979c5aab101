import { useId, useLayoutEffect, useRef, useState, type CSSProperties, type KeyboardEvent, type ReactNode, type RefObject } from "react";
import { t } from "@/words";
import { Icon } from "./icons";

export interface Hit {
  key: string;
  group: string;
  body: ReactNode;
  act: () => void;
}

const GAP = 4;
const EDGE = 12;
const WIDTH = 420;

/** Under the field, inside the window: fixed to it, because the navigation scrolls and would cut the list off. */
function usePlace(field: RefObject<HTMLElement | null>, shown: boolean): CSSProperties {
  const [place, setPlace] = useState<CSSProperties>({});
  useLayoutEffect(() => {
    if (!shown) return undefined;
    const measure = () => {
      const box = field.current?.getBoundingClientRect();
      if (!box) return;
      const width = Math.min(WIDTH, innerWidth - 2 * EDGE);
      const left = Math.max(EDGE, Math.min(box.left, innerWidth - EDGE - width));
      const top = box.bottom + GAP;
      setPlace({ left, top, inlineSize: width, maxBlockSize: Math.max(160, innerHeight - top - EDGE) });
    };
    measure();
    addEventListener("resize", measure);
    addEventListener("scroll", measure, true);
    return () => {
      removeEventListener("resize", measure);
      removeEventListener("scroll", measure, true);
    };
  }, [field, shown]);
  return place;
}

/** The field at the top of the navigation: types, shows groups, arrows and Enter. */
export function Finder({ value, onChange, hits, label, id, busy }: { value: string; onChange: (value: string) => void; hits: Hit[]; label: string; id: string; busy?: boolean }) {
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const current = Math.min(at, Math.max(0, hits.length - 1));
  const choose = (hit: Hit | undefined) => {
    if (!hit) return;
    hit.act();
    setOpen(false);
    onChange("");
    input.current?.blur();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setAt(Math.min(hits.length - 1, current + 1));
    else if (event.key === "ArrowUp") setAt(Math.max(0, current - 1));
    else if (event.key === "Enter") choose(hits[current]);
    else if (event.key === "Escape") {
      onChange("");
      setOpen(false);
      input.current?.blur();
    } else return;
    event.preventDefault();
  };
  const shown = open && value.trim() !== "";
  const field = useRef<HTMLDivElement>(null);
  const place = usePlace(field, shown);
  let group = "";
  return (
    <div className="search" ref={field}>
      <Icon name="search" size={14} />
      <input
        ref={input}
        role="combobox"
        aria-expanded={shown}
        aria-controls={listId}
        aria-activedescendant={shown && hits[current] ? `${listId}-${current}` : undefined}
        aria-autocomplete="list"
        aria-label={label}
        placeholder={label}
        value={value}
        data-testid={id}
        autoComplete="off"
        spellCheck={false}
        onFocus={() => setOpen(true)}
        onBlur={() => setTimeout(() => setOpen(false), 150)}
        onChange={(e) => {
          setAt(0);
          setOpen(true);
          onChange(e.target.value);
        }}
        onKeyDown={onKey}
      />
      {!value && <kbd>/</kbd>}
      <div id={listId} role="listbox" aria-label={label} hidden={!shown} className={shown ? "hits" : undefined} style={place} data-testid={`${id}-hits`}>
        {shown && hits.length === 0 && <div className="head" role="option" aria-selected={false}>{busy ? t("state.loading") : t("search.nothing")}</div>}
        {shown &&
          hits.map((hit, index) => {
            const head = hit.group !== group ? hit.group : null;
            group = hit.group;
            return (
              <div key={hit.key} role="presentation">
                {head && <div className="head" role="presentation">{head}</div>}
                <div
                  id={`${listId}-${index}`}
                  role="option"
                  aria-selected={index === current}
                  className="hit"
                  data-testid={`hit-${hit.key}`}
                  onPointerDown={(e) => {
                    e.preventDefault();
                    choose(hit);
                  }}
                >
                  {hit.body}
                </div>
              </div>
            );
          })}
      </div>
    </div>
  );
}

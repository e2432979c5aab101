import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore, type CSSProperties, type KeyboardEvent, type ReactNode } from "react";
import { t } from "@/words";
import { BareTick } from "./forms";
import { Icon } from "./icons";
import { useHeldOrder } from "./order";

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => matchMedia(query).matches,
  );
}

export const usePhone = () => useMedia("(max-width: 760px)");

/** Windows at which a column may join. */
const BREADTHS = [1240, 1360, 1440, 1680] as const;

function useBreadth(): number {
  const joined = BREADTHS.map((breadth) => `(min-width: ${breadth}px)`);
  const [a, b, c, d] = [useMedia(joined[0]!), useMedia(joined[1]!), useMedia(joined[2]!), useMedia(joined[3]!)];
  return d ? 1680 : c ? 1440 : b ? 1360 : a ? 1240 : 1024;
}

export interface Column<T> {
  id: string;
  name: string;
  width: string;
  cell: (item: T, entry: Entry) => ReactNode;
  end?: boolean;
  free?: boolean;
  sort?: boolean;
  /** Narrower windows leave it out. */
  from?: (typeof BREADTHS)[number];
}

export interface Entry {
  key: string;
  /** Row of the store; absent in a group heading. */
  id?: string;
  heading?: ReactNode;
  depth?: number;
  opens?: boolean;
  open?: boolean;
}

export interface Sort {
  id: string;
  down: boolean;
}

interface TableProps<T> {
  label: string;
  entries: Entry[];
  /** Changes when the reader changed what he sees. */
  own: string;
  columns: Column<T>[];
  useItem: (id: string) => T | undefined;
  phone: (item: T, entry: Entry) => ReactNode;
  name: (item: T) => string;
  onOpen: (id: string) => void;
  onToggle?: (id: string, open: boolean) => void;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  selected?: ReadonlySet<string>;
  onSelect?: (ids: ReadonlySet<string>) => void;
  rowId?: (id: string) => string;
  tall?: number;
}

const ROW = 36;
const PHONE_ROW = 64;

/** Virtual rows inside the page's own scroll; every row listens to its item alone. A list on a phone. */
export function Table<T>(props: TableProps<T>) {
  const { label, own, columns, onOpen, onToggle, sort, onSort, selected, onSelect } = props;
  const phone = usePhone();
  const width = useBreadth();
  const shownColumns = phone ? [] : columns.filter((column) => (column.from ?? 0) <= width);
  const { shown, waiting, release, hold } = useHeldOrder(props.entries, own);
  const body = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [cursor, setCursor] = useState<string | null>(null);
  const focusWanted = useRef(false);
  const height = props.tall && !phone ? props.tall : phone ? PHONE_ROW : ROW;
  const cursorIndex = cursor === null ? -1 : shown.findIndex((entry) => entry.key === cursor);

  useLayoutEffect(() => {
    const main = body.current?.closest<HTMLElement>("main") ?? null;
    setScroller(main);
    if (!main || !body.current) return undefined;
    const measure = () => {
      if (body.current) setMargin(body.current.getBoundingClientRect().top - main.getBoundingClientRect().top + main.scrollTop);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(main);
    if (main.firstElementChild) observer.observe(main.firstElementChild);
    return () => observer.disconnect();
  }, []);

  const rangeExtractor = useCallback(
    (range: Range) => {
      const indexes = defaultRangeExtractor(range);
      return cursorIndex < 0 || indexes.includes(cursorIndex) ? indexes : [...indexes, cursorIndex].sort((a, b) => a - b);
    },
    [cursorIndex],
  );
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller,
    estimateSize: (index) => (shown[index]?.heading ? 32 : height),
    getItemKey: (index) => shown[index]?.key ?? index,
    overscan: 12,
    scrollMargin: margin,
    rangeExtractor,
  });
  useEffect(() => rows.measure(), [rows, height, own]);

  const grid = `${onSelect && !phone ? "24px " : ""}${phone ? "minmax(0, 1fr)" : shownColumns.map((column) => column.width).join(" ")}`;

  const move = (to: number) => {
    const entry = shown[Math.max(0, Math.min(shown.length - 1, to))];
    if (!entry) return;
    focusWanted.current = true;
    setCursor(entry.key);
    rows.scrollToIndex(shown.indexOf(entry), { align: "auto" });
  };
  useEffect(() => {
    if (!focusWanted.current || cursor === null) return;
    const row = body.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(cursor)}"]`);
    if (row) {
      focusWanted.current = false;
      row.focus({ preventScroll: true });
    }
  });

  const select = (id: string, on: boolean) => {
    if (!onSelect) return;
    const next = new Set(selected);
    if (on) next.add(id);
    else next.delete(id);
    onSelect(next);
  };

  const parentOf = (index: number) => {
    const depth = shown[index]?.depth ?? 0;
    for (let at = index - 1; at >= 0; at--) if ((shown[at]!.depth ?? 0) < depth) return at;
    return -1;
  };
  const act = (key: string, index: number): (() => void) | undefined => {
    const entry = shown[index];
    if (!entry) return undefined;
    const into = () => {
      if (!entry.id) return undefined;
      if (entry.opens && !entry.open) return onToggle?.(entry.id, true);
      if (entry.opens) return move(index + 1);
      // in a flat list a row opens to its page; in a tree that would be a step too far
      return onToggle ? undefined : onOpen(entry.id);
    };
    const out = () => {
      if (!entry.id) return undefined;
      if (entry.opens && entry.open) return onToggle?.(entry.id, false);
      const above = parentOf(index);
      return above >= 0 ? move(above) : undefined;
    };
    const keys: Record<string, () => void> = {
      ArrowDown: () => move(index + 1),
      ArrowUp: () => move(index - 1),
      PageDown: () => move(index + 15),
      PageUp: () => move(index - 15),
      Home: () => move(0),
      End: () => move(shown.length - 1),
      ArrowRight: into,
      ArrowLeft: out,
      Enter: () => entry.id && onOpen(entry.id),
      " ": () => entry.id && (onSelect ? select(entry.id, !selected?.has(entry.id)) : onOpen(entry.id)),
    };
    return keys[key];
  };
  const onKey = (event: KeyboardEvent, index: number) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const run = act(event.key, index);
    if (!run) return;
    event.preventDefault();
    run();
  };
  const fromAnywhere = useRef<(event: globalThis.KeyboardEvent) => void>(() => undefined);
  useEffect(() => {
    // nothing has focus: the arrows are the list's, beginning at the row that was last at hand
    fromAnywhere.current = (event) => {
      const idle = document.activeElement === document.body || document.activeElement === scroller;
      if (!idle || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("[role=dialog]")) return;
      if (!["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "Enter", " "].includes(event.key)) return;
      // before the first arrow Enter and Space are the page's own
      if (cursorIndex < 0 && !event.key.startsWith("Arrow")) return;
      event.preventDefault();
      if (cursorIndex < 0) move(0);
      else act(event.key, cursorIndex)?.();
    };
  });
  useEffect(() => {
    const listener = (event: globalThis.KeyboardEvent) => fromAnywhere.current(event);
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, []);

  const all = shown.filter((entry) => entry.id && !entry.depth);
  const chosen = all.filter((entry) => selected?.has(entry.id!)).length;

  return (
    <div className="table" {...hold}>
      {waiting > 0 && (
        <div className="changes">
          <button type="button" onClick={release} data-testid="changes-chip">
            {t("table.changes", { n: waiting })}
          </button>
        </div>
      )}
      <div role="treegrid" aria-label={label} aria-rowcount={shown.length + (phone ? 0 : 1)} aria-multiselectable={onSelect ? true : undefined}>
        {!phone && (
          <div role="rowgroup">
            <div role="row" className="table-head" style={{ gridTemplateColumns: grid }} aria-rowindex={1}>
              {onSelect && (
                <span role="columnheader">
                  <BareTick label={t("table.select_all")} id="select-all" checked={all.length > 0 && chosen === all.length} some={chosen > 0 && chosen < all.length} onChange={(on) => onSelect(on ? new Set(all.map((entry) => entry.id!)) : new Set())} />
                </span>
              )}
              {shownColumns.map((column) => (
                <span key={column.id} role="columnheader" className={column.end ? "end" : undefined} aria-sort={sort?.id === column.id ? (sort.down ? "descending" : "ascending") : undefined}>
                  {column.sort && onSort ? (
                    <button type="button" data-testid={`sort-${column.id}`} onClick={() => onSort({ id: column.id, down: sort?.id === column.id ? !sort.down : false })}>
                      {column.name}
                      {sort?.id === column.id && <Icon name={sort.down ? "down" : "up"} size={10} />}
                    </button>
                  ) : (
                    column.name || <span className="vh">{t("table.actions")}</span>
                  )}
                </span>
              ))}
            </div>
          </div>
        )}
        <div ref={body} role="rowgroup" className="table-body" style={{ blockSize: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((virtual) => {
            const entry = shown[virtual.index];
            if (!entry) return null;
            const moved = `translateY(${virtual.start - margin}px)`;
            // on a phone a row is as tall as its text: nothing is cut there
            const grows = phone && Boolean(entry.id);
            const place = grows ? { transform: moved, minBlockSize: PHONE_ROW } : { transform: moved, blockSize: virtual.size };
            const first = cursorIndex < 0 ? virtual.index === 0 : cursorIndex === virtual.index;
            const common = {
              place,
              measure: grows ? rows.measureElement : undefined,
              index: virtual.index,
              rowIndex: virtual.index + (phone ? 1 : 2),
              tabIndex: first ? 0 : -1,
              onKey: (event: KeyboardEvent) => onKey(event, virtual.index),
              onFocus: () => setCursor(entry.key),
            };
            if (!entry.id)
              return (
                <div key={entry.key} role="row" className="table-row group" style={place} data-key={entry.key} aria-rowindex={common.rowIndex} tabIndex={common.tabIndex} onKeyDown={common.onKey} onFocus={common.onFocus} data-testid={`group-${entry.key}`}>
                  <span role="gridcell" className="line gap-12 keep grow">
                    {entry.heading}
                  </span>
                </div>
              );
            return (
              <Row
                key={entry.key}
                {...common}
                entry={entry}
                grid={grid}
                columns={shownColumns}
                phone={phone ? props.phone : undefined}
                useItem={props.useItem}
                name={props.name}
                selected={selected?.has(entry.id) ?? false}
                onSelect={onSelect ? select : undefined}
                onOpen={onOpen}
                onToggle={onToggle}
                rowId={props.rowId}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps<T> {
  entry: Entry;
  place: CSSProperties;
  measure?: (row: HTMLElement | null) => void;
  index: number;
  grid: string;
  columns: Column<T>[];
  phone?: (item: T, entry: Entry) => ReactNode;
  useItem: (id: string) => T | undefined;
  name: (item: T) => string;
  selected: boolean;
  onSelect?: (id: string, on: boolean) => void;
  onOpen: (id: string) => void;
  onToggle?: (id: string, open: boolean) => void;
  rowId?: (id: string) => string;
  rowIndex: number;
  tabIndex: number;
  onKey: (event: KeyboardEvent) => void;
  onFocus: () => void;
}

function Row<T>({ entry, place, measure, index, grid, columns, phone, useItem, name, selected, onSelect, onOpen, onToggle, rowId, rowIndex, tabIndex, onKey, onFocus }: RowProps<T>) {
  const id = entry.id!;
  const item = useItem(id);
  const own = useRef<HTMLDivElement | null>(null);
  const row = (element: HTMLDivElement | null) => {
    own.current = element;
    measure?.(element);
  };
  useEffect(() => rove(own.current, tabIndex === 0));
  const twist = onToggle && (
    <Twist open={entry.open ?? false} shown={entry.opens ?? false} depth={entry.depth ?? 0} label={item ? name(item) : ""} onClick={() => onToggle(id, !entry.open)} id={`twist-${id}`} />
  );
  return (
    <div
      ref={row}
      role="row"
      data-index={index}
      className={`table-row${entry.depth ? " child" : ""}${item ? "" : " gone"}`}
      style={{ ...place, gridTemplateColumns: grid }}
      data-key={entry.key}
      data-testid={rowId ? rowId(id) : `row-${id}`}
      aria-rowindex={rowIndex}
      aria-level={(entry.depth ?? 0) + 1}
      aria-expanded={entry.opens ? entry.open : undefined}
      aria-selected={onSelect ? selected : undefined}
      tabIndex={tabIndex}
      onKeyDown={onKey}
      onFocus={onFocus}
      onClick={(event) => {
        if ((event.target as HTMLElement).closest("a,button,input,label")) return;
        onOpen(id);
      }}
    >
      {!item && (
        <span role="gridcell" className="dim">
          {t("table.gone")}
        </span>
      )}
      {item && phone && (
        <span role="gridcell" className="phone-row">
          {onSelect && !entry.depth && <BareTick label={t("table.select", { name: name(item) })} id={`select-${id}`} checked={selected} onChange={(on) => onSelect(id, on)} />}
          {phone(item, entry)}
          {twist}
        </span>
      )}
      {item && !phone && onSelect && (
        <span role="gridcell">{<BareTick label={t("table.select", { name: name(item) })} id={`select-${id}`} checked={selected} onChange={(on) => onSelect(id, on)} />}</span>
      )}
      {item &&
        !phone &&
        columns.map((column, place) => (
          <span key={column.id} role="gridcell" className={`cell${column.end ? " end" : ""}${column.free ? " free" : ""}`} data-column={column.id}>
            {place === 0 && twist ? (
              <span className="line gap-4 keep">
                {twist}
                {column.cell(item, entry)}
              </span>
            ) : (
              column.cell(item, entry)
            )}
          </span>
        ))}
    </div>
  );
}

const INNER = "a, button, input";

/** One stop for the whole list: Tab goes from the row at hand to its own links and buttons, and then on. */
function rove(row: HTMLElement | null, current: boolean): void {
  for (const inner of row?.querySelectorAll<HTMLElement>(INNER) ?? []) {
    if (current && inner.dataset.roved !== undefined) {
      inner.removeAttribute("tabindex");
      delete inner.dataset.roved;
    } else if (!current && inner.tabIndex >= 0) {
      inner.tabIndex = -1;
      inner.dataset.roved = "";
    }
  }
}

function Twist({ open, shown, depth, label, onClick, id }: { open: boolean; shown: boolean; depth: number; label: string; onClick: () => void; id: string }) {
  const indent = { marginInlineStart: depth * 16 };
  if (!shown) return <span className="twist" style={indent} aria-hidden="true" />;
  return (
    <button type="button" className="twist" style={indent} data-open={open} data-testid={id} aria-label={t(open ? "table.close_row" : "table.open_row", { name: label })} tabIndex={-1} onClick={onClick}>
      <Icon name="chevron" size={12} />
    </button>
  );
}

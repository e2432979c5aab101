/** How a message of a live topic changes what the browser holds. Pure; every shape of docs/protocol/api.md. */

export interface Message {
  topic: string;
  type: "snapshot" | "change" | "gone" | "error";
  seq?: number;
  data: unknown;
}

type Row = Record<string, unknown> & { id: string };

export interface Stamped {
  /** Browser time (ms) at which `age_s` was true. */
  at: number;
}

/** Puts the changed fields over the old ones. A new `time` without an age means: read just now. */
export function merge<T extends object>(old: T | undefined, changed: Partial<T>, now: number): T & Stamped {
  const next = { ...(old as T & Stamped), ...(changed as T & Stamped) };
  if ("age_s" in changed || !old) next.at = now;
  else if ("time" in changed) {
    (next as unknown as { age_s: number }).age_s = 0;
    next.at = now;
  } else if (next.at === undefined) next.at = now;
  return next;
}

export interface ListState<T> {
  rows: Map<string, T & Stamped>;
  total: number;
  next: string | null;
}

export interface ListChange {
  touched: string[];
  /** Rows came or went. */
  shape: boolean;
}

/** Applies one list message in place and says which rows it touched. Fields of a row never seen are left alone. */
export function applyList<T extends Row>(state: ListState<T>, message: Message, now: number): ListChange {
  const data = (message.data ?? {}) as { items?: (Partial<T> & { id: string; new?: boolean })[]; ids?: string[]; total?: number; next?: string | null };
  const touched: string[] = [];
  let shape = false;
  if (message.type === "snapshot") {
    state.rows.clear();
    for (const item of data.items ?? []) state.rows.set(item.id, merge<T>(undefined, item as Partial<T>, now));
    state.total = data.total ?? state.rows.size;
    state.next = data.next ?? null;
    return { touched: [...state.rows.keys()], shape: true };
  }
  if (message.type === "gone") {
    for (const id of data.ids ?? []) shape = state.rows.delete(id) || shape;
    touched.push(...(data.ids ?? []));
  }
  if (message.type === "change")
    for (const item of data.items ?? []) {
      const { new: fresh, ...fields } = item;
      const old = state.rows.get(item.id);
      if (!old && !fresh && !whole(fields)) continue;
      if (!old) shape = true;
      state.rows.set(item.id, merge<T>(old, fields as Partial<T>, now));
      touched.push(item.id);
    }
  if (typeof data.total === "number") state.total = data.total;
  else if (shape) state.total = Math.max(state.total, state.rows.size);
  return { touched, shape };
}

/** Topics `agents`, `found` and `locations` send whole items without a mark; a patch of a device carries few fields and never its name. */
function whole(fields: object): boolean {
  return "path" in fields || "site" in fields && ("state" in fields || "reason" in fields) && Object.keys(fields).length > 5;
}

export interface DeviceState<D, P, C> {
  device: (D & Stamped) | null;
  points: Map<string, P & Stamped>;
  commands: C[];
}

interface DeviceMessage<D, P, C> {
  device?: Partial<D>;
  points?: (Partial<P> & { key: string })[];
  commands?: C[];
}

/** A new state for each message, so that React sees what changed; points keep their identity unless touched. */
export function applyDevice<D extends object, P extends object, C extends { id: string; asked: string }>(
  state: DeviceState<D, P, C>,
  message: Message,
  now: number,
): DeviceState<D, P, C> {
  if (message.type === "gone") return { device: null, points: new Map(), commands: [] };
  const data = (message.data ?? {}) as DeviceMessage<D, P, C>;
  const fresh = message.type === "snapshot";
  const points = fresh ? new Map<string, P & Stamped>() : data.points?.length ? new Map(state.points) : state.points;
  for (const point of data.points ?? []) points.set(point.key, merge<P>(points.get(point.key), point as Partial<P>, now));
  return {
    device: data.device ? merge<D>(fresh ? undefined : (state.device ?? undefined), data.device, now) : fresh ? null : state.device,
    points,
    commands: data.commands ? joinCommands(fresh ? [] : state.commands, data.commands) : fresh ? [] : state.commands,
  };
}

/** Newest first, each once. */
export function joinCommands<C extends { id: string; asked: string }>(old: C[], changed: C[]): C[] {
  const byId = new Map(old.map((command) => [command.id, command]));
  for (const command of changed) byId.set(command.id, { ...byId.get(command.id), ...command });
  return [...byId.values()].sort((a, b) => (a.asked < b.asked ? 1 : -1)).slice(0, 50);
}

/** Seconds since the value was true, by the browser's own clock. */
export function ageOf(item: { age_s?: number | null; at?: number } | null | undefined, now: number): number | null {
  if (!item || item.age_s === null || item.age_s === undefined) return null;
  return item.age_s + Math.max(0, now - (item.at ?? now)) / 1000;
}

import { useSyncExternalStore } from "react";
import { api, ApiError } from "@/api/client";
import type { Command, CommandState, Point, Value } from "@/api/types";
import type { Message } from "./patch";
import { live } from "./socket";

/** One instruction this page gave, from the click on. */
export interface Asked {
  key: string;
  device: string;
  capability: string;
  arguments: Record<string, unknown>;
  at: number;
  command: Command | null;
  /** The hub itself said no (problem document), or did not answer. */
  error: ApiError | null;
  undone: boolean;
}

export type Phase = "asked" | "reading" | "unread" | "done" | "other" | "not_sent" | Exclude<CommandState, "accepted" | "sent" | "done">;

const ENDED = new Set<CommandState>(["done", "failed", "expired", "unsupported", "refused", "uncertain"]);

export function ended(command: Command | null): boolean {
  return command !== null && ENDED.has(command.status);
}

/**
 * Asked is not done: *done* is the device's reply, the reading is the truth. `read` is what is read now, `readAt` when.
 * reading: replied, not read since; unread: that lasts too long. other: read since, and it says something else.
 */
export function phaseOf(command: Command | null, error: ApiError | null, wanted?: Value, read?: Value | null, readAt?: string | null, now = 0): Phase {
  if (error?.code === "hub_timed_out") return "uncertain";
  if (error) return error.code === "not_supported" ? "unsupported" : error.status === 0 ? "not_sent" : error.status >= 500 ? "failed" : "refused";
  if (!command || command.status === "accepted" || command.status === "sent") return "asked";
  if (command.status !== "done") return command.status;
  if (wanted === undefined || read === undefined) return "done";
  if (read === wanted) return "done";
  const since = command.ended ?? command.asked;
  const waited = now - Date.parse(since);
  if (readAt) return readAt > since ? "other" : waited > TIMED_MS ? "unread" : "reading";
  return waited > UNTIMED_MS ? "other" : "reading";
}

/** Nobody answered, or the hub had a fault of its own: the same may be asked again, and under the same key it is done once. */
export function mayRetry(asked: Asked): boolean {
  return asked.error !== null && (asked.error.status === 0 || asked.error.status >= 500);
}

export function wantedOf(asked: { capability: string; arguments: Record<string, unknown> }): Value | undefined {
  if (asked.capability === "control") return asked.arguments.value as Value;
  if (asked.capability === "locate") return asked.arguments.on as boolean;
  return undefined;
}

/** Two ways bring word of one instruction and may overtake each other: what has ended is never open again. */
export function newest(known: Command | null, told: Command): Command {
  return known && ended(known) && !ended(told) ? known : { ...known, ...told };
}

const KEEP = 30;
const FALLBACK_MS = 3_000;
const ANSWER_MS = 12_000;
/** How long the reading may stay behind: two polls of a level; what comes without a time is pushed. */
const TIMED_MS = 60_000;
const UNTIMED_MS = 15_000;

class Commands {
  items: Asked[] = [];
  private listeners = new Set<() => void>();
  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  get = () => this.items;

  async ask(device: string, capability: string, args: Record<string, unknown>): Promise<Asked> {
    const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    this.put({ key, device, capability, arguments: args, at: Date.now(), command: null, error: null, undone: false });
    await this.send(key);
    return this.items.find((item) => item.key === key)!;
  }

  /** The same instruction under the same key: had the hub got it after all, it is not done twice. */
  retry(asked: Asked): void {
    this.change(asked.key, (item) => ({ ...item, at: Date.now(), command: null, error: null }));
    void this.send(asked.key);
  }

  private async send(key: string): Promise<void> {
    const asked = this.items.find((item) => item.key === key);
    if (!asked) return;
    const { device, capability, arguments: args } = asked;
    try {
      const answer = await api.post<{ id: string; status: CommandState }>(`/devices/${device}/commands`, { capability, arguments: args }, { "Idempotency-Key": key }, ANSWER_MS);
      const now = new Date().toISOString();
      const blank: Command = { id: answer.id, device, capability, arguments: args, status: answer.status, reason: null, result: null, person: "", asked: now, deadline: null, ended: null, assumed: false, undo: null };
      this.change(key, (item) => ({ ...item, command: item.command ?? blank }));
      this.follow(key, device, answer.id);
    } catch (error) {
      this.change(key, (item) => ({ ...item, error: error instanceof ApiError ? error : new ApiError({ title: "", status: 500, code: "unexpected", detail: String(error) }) }));
    }
  }

  undo(asked: Asked): void {
    const undo = asked.command?.undo;
    if (!undo) return;
    this.change(asked.key, (item) => ({ ...item, undone: true }));
    void this.ask(asked.device, undo.capability, undo.arguments);
  }

  dismiss(key: string): void {
    this.items = this.items.filter((item) => item.key !== key);
    this.tell();
  }

  clear(): void {
    this.items = [];
    this.tell();
  }

  /** The device's topic brings the command's states; asking again now and then covers a line that went quiet. */
  private follow(key: string, device: string, id: string): void {
    const take = (command: Command) => {
      this.change(key, (item) => ({ ...item, command: newest(item.command, command) }));
      if (ended(command)) finish();
    };
    const leave = live.hold(`device:${device}`, {
      apply(message: Message) {
        const commands = (message.data as { commands?: Command[] } | null)?.commands ?? [];
        const mine = commands.find((command) => command.id === id);
        if (mine) take(mine);
      },
    });
    const look = () => {
      if (!this.items.some((item) => item.key === key)) return finish();
      api.get<Command>(`/commands/${id}`).then(take, (error: unknown) => {
        // a hub that came back without it: nobody will ever tell how it ended
        if (error instanceof ApiError && error.status === 404) take({ ...this.items.find((item) => item.key === key)!.command!, status: "uncertain", reason: { code: "forgotten", params: {}, text: "" } });
      });
    };
    const timer = setInterval(look, FALLBACK_MS);
    const unwatch = live.watch(() => live.line.state === "open" && look());
    const finish = () => {
      clearInterval(timer);
      unwatch();
      leave();
    };
    look(); // the reason why it waits is told there
  }

  private put(item: Asked): void {
    this.items = [item, ...this.items].slice(0, KEEP);
    this.tell();
  }

  private change(key: string, edit: (item: Asked) => Asked): void {
    this.items = this.items.map((item) => (item.key === key ? edit(item) : item));
    this.tell();
  }

  private tell(): void {
    this.listeners.forEach((listener) => listener());
  }
}

export const commands = new Commands();

export function useAsked(): Asked[] {
  return useSyncExternalStore(commands.subscribe, commands.get);
}

/** The newest instruction that concerns a point or a capability: ours from the click on, or an open one of somebody else. */
export function latestFor(asked: Asked[], open: Command[], device: string, capability: string, point?: Pick<Point, "key">): Asked | null {
  const about = (item: { capability: string; arguments: Record<string, unknown> }) =>
    item.capability === capability && (!point || item.arguments.key === point.key);
  const own = asked.find((item) => item.device === device && about(item)) ?? null;
  const other = open.find((command) => about(command) && !ended(command) && !asked.some((item) => item.command?.id === command.id));
  if (other && (!own || Date.parse(other.asked) > own.at))
    return { key: other.id, device, capability, arguments: other.arguments, at: Date.parse(other.asked), command: other, error: null, undone: false };
  return own;
}

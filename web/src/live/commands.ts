import { useSyncExternalStore } from "react";
import { api, ApiError } from "@/api/client";
import type { Command, CommandState, Point, Value } from "@/api/types";
import { joinCommands, type Message } from "./patch";
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

export type Phase = "asked" | "reading" | "done" | "other" | Exclude<CommandState, "accepted" | "sent" | "done">;

const ENDED = new Set<CommandState>(["done", "failed", "expired", "unsupported", "refused", "uncertain"]);

export function ended(command: Command | null): boolean {
  return command !== null && ENDED.has(command.status);
}

/**
 * Asked is not done: *done* is the device's reply, the reading is the truth. `read` is what is read now, `readAt` when.
 * reading: replied, not read since. other: read since, and it says something else.
 */
export function phaseOf(command: Command | null, error: ApiError | null, wanted?: Value, read?: Value | null, readAt?: string | null): Phase {
  if (error) return error.code === "not_supported" ? "unsupported" : error.status === 0 || error.status >= 500 ? "failed" : "refused";
  if (!command || command.status === "accepted" || command.status === "sent") return "asked";
  if (command.status !== "done") return command.status;
  if (wanted === undefined || read === undefined) return "done";
  if (read === wanted) return "done";
  const since = command.ended ?? command.asked;
  return readAt && readAt > since ? "other" : "reading";
}

export function wantedOf(asked: { capability: string; arguments: Record<string, unknown> }): Value | undefined {
  if (asked.capability === "control") return asked.arguments.value as Value;
  if (asked.capability === "locate") return asked.arguments.on as boolean;
  return undefined;
}

const KEEP = 30;
const FALLBACK_MS = 3_000;

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
    try {
      const answer = await api.post<{ id: string; status: CommandState }>(
        `/devices/${device}/commands`,
        { capability, arguments: args },
        { "Idempotency-Key": key },
      );
      const now = new Date().toISOString();
      this.change(key, (item) => ({
        ...item,
        command: item.command ?? {
          id: answer.id,
          device,
          capability,
          arguments: args,
          status: answer.status,
          reason: null,
          result: null,
          person: null,
          asked: now,
          deadline: null,
          ended: null,
          assumed: false,
          undo: null,
        },
      }));
      this.follow(key, device, answer.id);
    } catch (error) {
      this.change(key, (item) => ({ ...item, error: error instanceof ApiError ? error : new ApiError({ title: "", status: 0, code: "unexpected", detail: String(error) }) }));
    }
    return this.items.find((item) => item.key === key)!;
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
      this.change(key, (item) => ({ ...item, command: joinCommands(item.command ? [item.command] : [], [command])[0]! }));
      if (ended(command)) finish();
    };
    const leave = live.hold(`device:${device}`, {
      apply(message: Message) {
        const commands = (message.data as { commands?: Command[] } | null)?.commands ?? [];
        const mine = commands.find((command) => command.id === id);
        if (mine) take(mine);
      },
    });
    const timer = setInterval(() => {
      api.get<Command>(`/commands/${id}`).then(take, () => undefined);
    }, FALLBACK_MS);
    const finish = () => {
      clearInterval(timer);
      leave();
    };
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

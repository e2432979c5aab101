import { useEffect, useSyncExternalStore } from "react";
import { api } from "@/api/client";
import type { CommandState, Device, Fact } from "@/api/types";
import type { Message } from "./patch";
import { live } from "./socket";

/** A line that was given to others: until when and by whom, as far as it is known. */
export interface HandOff {
  until: number | null;
  person: string | null;
}

export interface Restart {
  since: string;
  person: string | null;
}

/** One instruction of a stack as the facts tell it; `asked` is missing when it was given at the site itself. */
export interface Deed {
  id: string;
  device: string;
  capability: string;
  minutes: number;
  status: CommandState;
  person: string | null;
  asked: string | null;
  ended: string | null;
}

interface OfStack {
  handsOff?: Deed;
  reboot?: Deed;
}

/** A device that comes back later than this after its restart was asked is simply offline. */
export const RESTART_MS = 6 * 60_000;

export function isHandedOff(device: Pick<Device, "reason">): boolean {
  return device.reason?.code === "hands_off";
}

/** The site says *that* the line is given up; the instruction says until when and by whom. */
export function handOffOf(device: Pick<Device, "reason">, deed: Deed | undefined, now: number): HandOff | null {
  if (!isHandedOff(device)) return null;
  const until = deed?.ended && deed.minutes > 0 ? Date.parse(deed.ended) + deed.minutes * 60_000 : null;
  // what has run out is an older one: the present one was asked where nobody told this hub
  return until !== null && until > now - 30_000 ? { until, person: deed!.person } : { until: null, person: null };
}

/** Troubles of a device that answers: whatever was asked, it is back. */
const ANSWERS = new Set(["peripheral_gone", "part_unwell", "error_answer"]);

/** Away because somebody asked it to restart: until it answers again, or stays away too long. */
export function restartOf(device: Pick<Device, "status" | "since" | "reason">, deed: Deed | undefined, now: number): Restart | null {
  const asked = deed?.asked ?? deed?.ended;
  const away = device.status === "offline" || (device.status === "degraded" && !ANSWERS.has(device.reason?.code ?? ""));
  if (!deed || !asked || !away) return null;
  const at = Date.parse(asked);
  const since = Date.parse(device.since ?? asked);
  // what was away before it was asked is not away because of it
  if (since < at - 2_000) return null;
  const open = deed.status === "accepted" || deed.status === "sent";
  const coming = deed.status === "uncertain" || (deed.status === "done" && since <= Date.parse(deed.ended ?? asked));
  return open || (coming && now - at < RESTART_MS) ? { since: asked, person: deed.person } : null;
}

export function deedOf(fact: Fact, before?: Deed): Deed | null {
  const { id, capability, arguments: args, status, state, person } = fact.data as { id?: string; capability?: string; arguments?: { minutes?: number }; status?: string; state?: string; person?: string };
  if (!id || !fact.device || (capability !== "reboot" && capability !== "hands_off")) return null;
  const ended = fact.type === "command.ended";
  return {
    id,
    device: fact.device,
    capability,
    minutes: capability === "hands_off" ? (args?.minutes ?? 60) : 0,
    status: (status ?? state ?? "sent") as CommandState,
    person: person && !person.startsWith("usr_") ? person : (before?.person ?? null),
    asked: fact.type === "command.accepted" ? fact.time : (before?.asked ?? null),
    ended: ended ? fact.time : (before?.ended ?? null),
  };
}

const TYPES = "type=command.accepted,command.ended";
const LATEST = `before=${Number.MAX_SAFE_INTEGER}`;

/** What stands over whole stacks just now. Read from the newest facts once, then from each that comes. */
class Standing {
  private deeds = new Map<string, Deed>();
  private stacks = new Map<string, string>();
  private looked = new Set<string>();
  private listeners = new Set<() => void>();
  private leave: (() => void) | null = null;
  version = 0;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    if (!this.leave) this.start();
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.stop();
    };
  };
  getVersion = () => this.version;

  of(stack: string): OfStack {
    const found: OfStack = {};
    for (const deed of this.deeds.values()) {
      if (this.stacks.get(deed.device) !== stack) continue;
      if (deed.capability === "reboot" && (!found.reboot || deed.id > found.reboot.id)) found.reboot = deed;
      const counts = deed.capability === "hands_off" && deed.status === "done";
      if (counts && (!found.handsOff || (deed.ended ?? "") > (found.handsOff.ended ?? ""))) found.handsOff = deed;
    }
    return found;
  }

  /** The newest facts do not reach back to it: ask for this stack's own. */
  async look(stack: string): Promise<void> {
    if (this.looked.has(stack)) return;
    this.looked.add(stack);
    try {
      const members = await api.get<{ items: Device[] }>(`/devices?stack=${stack}&kind=mixer`);
      const ids = [stack, ...members.items.map((each) => each.id)];
      for (const id of ids) this.stacks.set(id, stack);
      const pages = await Promise.all(ids.map((id) => api.get<{ items: Fact[] }>(`/events?${LATEST}&${TYPES}&device=${id}&limit=40`)));
      this.take(pages.flatMap((page) => page.items));
    } catch {
      this.looked.delete(stack); // asked again at the next sight of it
    }
  }

  take(facts: Fact[]): void {
    let touched = false;
    for (const fact of [...facts].sort((a, b) => a.id - b.id)) {
      const deed = deedOf(fact, this.deeds.get(String(fact.data?.id ?? "")));
      if (!deed) continue;
      this.deeds.set(deed.id, deed);
      touched = true;
      if (!this.stacks.has(deed.device)) void this.place(deed.device);
    }
    if (touched) this.tell();
  }

  private async place(device: string): Promise<void> {
    const item = await api.get<Device>(`/devices/${device}`).catch(() => null);
    if (!item) return;
    this.stacks.set(device, item.stack ?? item.id);
    this.tell();
  }

  private start(): void {
    const load = () => void api.get<{ items: Fact[] }>(`/events?${LATEST}&${TYPES}&limit=100`).then((page) => this.take(page.items), () => undefined);
    this.leave = live.hold("events", {
      apply: (message: Message) => {
        if (message.type === "snapshot") load();
        else if (message.type === "change") this.take((message.data as { items?: Fact[] }).items ?? []);
      },
    });
  }

  private stop(): void {
    this.leave?.();
    this.leave = null;
    this.looked.clear();
  }

  private tell(): void {
    this.version += 1;
    this.listeners.forEach((listener) => listener());
  }
}

const standing = new Standing();

export interface Special {
  handOff: HandOff | null;
  restart: Restart | null;
}

type Seen = Pick<Device, "id" | "stack" | "status" | "since" | "reason">;

function specialOf(device: Seen): Special {
  const deeds = standing.of(device.stack ?? device.id);
  const now = Date.now();
  return { handOff: handOffOf(device, deeds.handsOff, now), restart: restartOf(device, deeds.reboot, now) };
}

/** The same for many devices: what is known already, without asking further. */
export function useSpecials(): (device: Seen) => Special {
  useSyncExternalStore(standing.subscribe, standing.getVersion);
  return specialOf;
}

/** Whether a device's line is handed off, or the device away for a restart that was asked. */
export function useSpecial(device: Seen): Special {
  useSyncExternalStore(standing.subscribe, standing.getVersion);
  const special = specialOf(device);
  const stack = device.stack ?? device.id;
  const unknown = special.handOff?.until === null;
  useEffect(() => {
    if (unknown) void standing.look(stack);
  }, [unknown, stack]);
  return special;
}

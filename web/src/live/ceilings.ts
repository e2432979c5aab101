import { useSyncExternalStore } from "react";
import type { Agent, Device } from "@/api/types";
import { ListStore } from "./hooks";
import { live } from "./socket";

export const LEVELS = ["monitor", "control", "configuration", "microphones"] as const;
export type Ceiling = Agent["ceiling"];
export type Level = (typeof LEVELS)[number];

/** Whether a site's ceiling lets its hub go as far; "" = its server never told one. */
export const allows = (ceiling: Ceiling, needed: Level): boolean => !ceiling || LEVELS.indexOf(ceiling) >= LEVELS.indexOf(needed);

const PLAYS = ["output", "speaker", "telco_rx", "voip_rx", "usb_rx"];
const QUIET_DB = -30;

/** What setting a point from `now` to `value` needs, as the agent judges it (device/ceiling.py; both are tested by tests/data/ceiling.json). */
export function needsOf(key: string, value: unknown, now: unknown): Level {
  const words = key.split(".");
  const [kind, word, block] = [words[0] ?? "", words.at(-1) ?? "", words.at(-2) ?? ""];
  const closed =
    word === "mute" || word === "key_do_not_disturb"
      ? value === true
      : word.startsWith("zone_") || kind === "bfzone"
        ? value === false
        : word === "gain"
          ? PLAYS.includes(kind) || staysQuiet(value, now)
          : word === "polarity" || word === "ring_enable" || block === "graphiceq" || block === "sig_gen";
  return closed ? "control" : "microphones";
}

const staysQuiet = (value: unknown, now: unknown): boolean =>
  typeof value === "number" && (value <= QUIET_DB || (typeof now === "number" && (now > QUIET_DB || value <= now)));

/** The ceilings of all servers, read once for the whole page: a long list asks per row. */
class Ceilings {
  private servers = new ListStore<Agent>(null);
  private readers = 0;
  private leave: (() => void) | null = null;
  version = 0;

  subscribe = (listener: () => void) => {
    const unlisten = this.servers.subscribe(() => {
      this.version += 1;
      listener();
    });
    this.readers += 1;
    this.leave ??= live.hold("agents", this.servers);
    return () => {
      unlisten();
      this.readers -= 1;
      if (this.readers > 0) return;
      this.leave?.();
      this.leave = null;
    };
  };
  getVersion = () => this.version;

  of = (device: Pick<Device, "agent">): Ceiling => (device.agent ? (this.servers.rows.get(device.agent.id)?.ceiling ?? "") : "");
}

const ceilings = new Ceilings();

export function useCeilings(): (device: Pick<Device, "agent">) => Ceiling {
  useSyncExternalStore(ceilings.subscribe, ceilings.getVersion);
  return ceilings.of;
}

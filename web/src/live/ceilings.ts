import { useSyncExternalStore } from "react";
import type { Agent, Device } from "@/api/types";
import { ListStore } from "./hooks";
import { live } from "./socket";

export const LEVELS = ["monitor", "control", "configuration", "microphones"] as const;
export type Ceiling = Agent["ceiling"];
export type Level = (typeof LEVELS)[number];

/** Whether a site's ceiling lets its hub go as far; "" = its server never told one. */
export const allows = (ceiling: Ceiling, needed: Level): boolean => !ceiling || LEVELS.indexOf(ceiling) >= LEVELS.indexOf(needed);

/** What setting a point to `value` needs: a mute taken off may open a microphone. */
export const needsOf = (key: string, value: unknown): Level => (key.endsWith(".mute") && value !== true ? "microphones" : "control");

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

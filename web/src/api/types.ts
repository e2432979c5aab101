/** The shapes of docs/protocol/api.md, kept by hand in this one file until they are generated from the OpenAPI document. */

export type Status = "online" | "degraded" | "offline" | "unknown";
export type Quality = "good" | "old" | "silent" | "device_lost" | "agent_lost" | "unsupported" | "error";
export type Support = "evidenced" | "assumed" | "untried" | "unsupported";
export type Capability = "locate" | "control" | "reboot" | "hands_off" | "refresh";
export type Right = "see" | "control" | "administer" | "own";
export type Value = boolean | number | string;
export type Params = Record<string, unknown>;

export interface Reason {
  code: string;
  params?: Params;
  text: string;
}

export interface Site {
  id: string;
  name: string;
  zone: string;
}

export interface Session {
  edition: "enterprise" | "local_agent";
  version: string;
  instance: string;
  name: string;
  first_run: boolean;
  person: null | { id: string; sign_in: string; name: string; role: string };
  site: null | Site;
  rights: Right[];
  fingerprint?: string | null;
  /** Where servers dial in; null on a Local Agent. */
  agents?: { port: number; url: string | null } | null;
}

export interface Device {
  id: string;
  kind: string;
  model: string;
  name: string;
  serial_number: string;
  part_number: string;
  firmware_version: string;
  address: string;
  port: number;
  mac: string;
  status: Status;
  since: string | null;
  reason: Reason | null;
  was: Status | null;
  site: Site;
  agent: null | { id: string; name: string; state: AgentState };
  stack: string | null;
  parent: string | null;
  box_number: number;
  position: number;
  boxes: string[];
  location: string | null;
  locate: boolean | null;
  age_s: number | null;
  provisional: boolean;
  capabilities: Record<string, Support>;
  assumed: string[];
  former_addresses: string[];
  first_seen: string | null;
  children: number;
}

export interface Origin {
  command?: string;
  person?: string;
}

export interface Point {
  key: string;
  label: string;
  type: "bool" | "number" | "string";
  value: Value | null;
  unit: string;
  time: string | null;
  age_s: number | null;
  quality: Quality;
  text: string | null;
  writable: boolean;
  assumed: boolean;
  minimum: number | null;
  maximum: number | null;
  step: number | null;
  group: string;
  origin: null | "device" | Origin;
  changed: string | null;
}

export type CommandState = "accepted" | "sent" | "done" | "failed" | "expired" | "unsupported" | "refused" | "uncertain";

export interface Command {
  id: string;
  device: string;
  capability: string;
  arguments: Record<string, unknown>;
  status: CommandState;
  reason: Reason | null;
  result: Record<string, unknown> | null;
  person: string | null;
  asked: string;
  deadline: string | null;
  ended: string | null;
  assumed: boolean;
  undo: null | { capability: string; arguments: Record<string, unknown> };
}

export interface Period {
  status: Status;
  since: string;
  until: string | null;
  reason: Reason | null;
}

export interface Found {
  id: string;
  site: Site;
  address: string;
  port: number;
  family: string;
  reason: Reason;
  time: string;
  remedy: { code: string; text: string } | null;
  serials: string[];
}

export type Counts = Partial<Record<Status, number>>;

export interface Need {
  status: Status;
  title: string;
  where: string;
  code?: string;
  params?: Params;
  text: string;
  since: string | null;
  devices: number;
  target: string;
}

export interface Summary {
  kinds: Record<string, Counts>;
  stacks: Counts;
  agents: Partial<Record<AgentState, number>>;
  sites: number;
  found: Record<string, number>;
  needs: Need[];
  as_of: string;
}

export interface Fact {
  id: number;
  time: string;
  received: string;
  type: string;
  site: string | null;
  device: string | null;
  data: Record<string, unknown>;
}

/** awaited: the hub has restarted and this server has not come back yet. */
export type AgentState = "connected" | "awaited" | "lost" | "never" | "refused" | "held_twice";

export interface Agent {
  id: string;
  name: string;
  site: Site;
  state: AgentState;
  since: string | null;
  reason: Reason | null;
  devices: Counts;
  subnets: string[];
  last_confirmed: string | null;
  waiting: number;
  dropped: number;
  version: string | null;
  level: number | null;
  clock_offset_s: number | null;
  disk_free_percent: number | null;
  added: string | null;
  added_by: string | null;
  address: string | null;
  delay_ms: number | null;
}

export interface Scan {
  interface: string;
  range: string;
  asked: number;
  total: number;
  found: number;
  refused: number;
  running: boolean;
  started: string | null;
  ended: string | null;
  next: string | null;
  swept: boolean;
  note: string | null;
  note_code?: string | null;
}

export interface CredentialSet {
  id: string;
  user: string;
  subnets: string[];
  password?: string;
}

export interface AgentDetail extends Agent {
  scans: Scan[];
  credential_sets: CredentialSet[];
  policy: "list" | "ask";
  fingerprint: string | null;
  boot: string | null;
}

export interface SiteRow extends Site {
  agent: null | { id: string; name: string };
  devices: Counts;
}

export interface ExternalHub {
  configured: boolean;
  url: string | null;
  name: string | null;
  state: "none" | "connecting" | "connected" | "failing" | "refused";
  since: string | null;
  reason: Reason | null;
  next_try: string | null;
  devices_reported: number | null;
  last_confirmed: string | null;
  fingerprint: string | null;
  waiting: number | null;
}

export interface HubCheck {
  url: string;
  fingerprint: string;
  /** none: without TLS nobody vouches for it, and everybody on the way can read along. */
  trusted: "public" | "own_ca" | "none";
  hub: string;
  name: string;
}

export interface Discovery {
  subnets: string[];
  policy: "list" | "ask";
  interval_s: number;
  interfaces: { name: string; range: string; swept: boolean; note: string | null; note_code?: string | null }[];
}

export interface Page<T> {
  items: T[];
  total?: number;
  next: string | null;
}

export interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  params?: Params;
}

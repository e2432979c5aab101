import type { Message } from "./patch";

export interface Sink {
  apply(message: Message): void;
}

interface Topic {
  /** Whether each has had a snapshot: before it there is nothing that a change could be put upon. */
  sinks: Map<Sink, boolean>;
  seq: number;
  last: Message | null;
  leave?: ReturnType<typeof setTimeout>;
}

type SocketLike = Pick<WebSocket, "send" | "close" | "readyState"> & {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
};

export interface Line {
  state: "idle" | "open" | "lost";
  /** Browser time of the last word from the hub. */
  heard: number;
}

const PING_MS = 5_000;
/** A ping that waits longer for its answer: the hub hangs, or the way to it is cut. */
const SILENCE_MS = 9_000;
/** A socket that takes longer to open is given up for another. */
const OPENING_MS = 20_000;
const LINGER_MS = 4_000;

/**
 * One socket for the whole page. A topic is subscribed while somebody holds it (and a few seconds more, so that going
 * back is instant), again after each reconnect, and again when its numbers show a gap.
 */
export class Live {
  private topics = new Map<string, Topic>();
  private socket: SocketLike | null = null;
  private began = 0;
  /** When the ping was sent that nobody answered yet; 0: none is out. A hidden page's clock goes slowly: silence alone proves nothing. */
  private pinged = 0;
  private failures = 0;
  private wanted = false;
  private retry?: ReturnType<typeof setTimeout>;
  private beat?: ReturnType<typeof setInterval>;
  private watchers = new Set<() => void>();
  line: Line = { state: "idle", heard: 0 };

  constructor(
    private open: () => SocketLike,
    private now: () => number = Date.now,
    private random: () => number = Math.random,
  ) {}

  start(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.connect();
    this.beat = setInterval(() => this.tick(), PING_MS);
  }

  stop(): void {
    this.wanted = false;
    clearTimeout(this.retry);
    clearInterval(this.beat);
    this.socket?.close();
    this.socket = null;
    for (const topic of this.topics.values()) clearTimeout(topic.leave);
    this.topics.clear();
    this.say({ state: "idle", heard: this.line.heard });
  }

  /** Try at once: the page woke up, or a person asked. */
  hurry(): void {
    if (!this.wanted || this.line.state === "open") return;
    clearTimeout(this.retry);
    this.leave();
    this.connect();
  }

  watch = (listener: () => void): (() => void) => {
    this.watchers.add(listener);
    return () => this.watchers.delete(listener);
  };

  hold(name: string, sink: Sink): () => void {
    let topic = this.topics.get(name);
    if (!topic) {
      topic = { sinks: new Map(), seq: 0, last: null };
      this.topics.set(name, topic);
      this.write({ subscribe: [name] });
    }
    clearTimeout(topic.leave);
    const joined = topic;
    const late = topic.sinks.size > 0 || topic.last !== null;
    topic.sinks.set(sink, false);
    // a second reader (or one that came back) needs the state from its beginning
    if (late) this.again(name);
    return () => {
      joined.sinks.delete(sink);
      if (joined.sinks.size > 0) return;
      joined.leave = setTimeout(() => {
        if (joined.sinks.size > 0) return;
        this.topics.delete(name);
        this.write({ unsubscribe: [name] });
      }, LINGER_MS);
    };
  }

  receive(message: Message): void {
    const topic = this.topics.get(message.topic);
    if (!topic) return;
    if (message.type === "snapshot") topic.seq = message.seq ?? 1;
    else if (message.type !== "error") {
      if (topic.last === null) return; // nothing to patch yet; the snapshot is on its way
      if (message.seq !== topic.seq + 1) {
        topic.last = null;
        this.again(message.topic);
        return;
      }
      topic.seq = message.seq;
    }
    topic.last = message;
    for (const [sink, begun] of [...topic.sinks]) {
      if (message.type === "snapshot") topic.sinks.set(sink, true);
      else if (message.type !== "error" && !begun) continue; // it joined late; its own snapshot is on its way
      sink.apply(message);
    }
  }

  private again(name: string): void {
    this.write({ unsubscribe: [name] });
    this.write({ subscribe: [name] });
  }

  private write(message: object): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(message));
  }

  private connect(): void {
    let socket: SocketLike;
    try {
      socket = this.open();
    } catch {
      this.lost();
      return;
    }
    this.socket = socket;
    this.began = this.now();
    this.pinged = 0;
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.failures = 0;
      this.say({ state: "open", heard: this.now() });
      const names = [...this.topics.keys()];
      for (const topic of this.topics.values()) topic.last = null;
      if (names.length) this.write({ subscribe: names });
    };
    socket.onmessage = (event: { data: string }) => {
      if (this.socket !== socket) return;
      this.line.heard = this.now();
      this.pinged = 0;
      const message = JSON.parse(event.data) as Message;
      if (message.topic) this.receive(message);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.lost();
    };
    socket.onerror = () => undefined;
  }

  private lost(): void {
    if (!this.wanted) return;
    this.failures += 1;
    this.say({ state: this.failures > 1 || this.line.heard ? "lost" : this.line.state, heard: this.line.heard });
    const ceiling = Math.min(15_000, 500 * 2 ** Math.min(this.failures, 6));
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect(), 250 + this.random() * ceiling);
  }

  private tick(): void {
    if (!this.socket) return;
    const now = this.now();
    if (this.line.state === "open" ? this.pinged > 0 && now - this.pinged > SILENCE_MS : now - this.began > OPENING_MS) {
      this.leave();
      this.lost();
      return;
    }
    if (this.line.state !== "open") return;
    this.pinged ||= now;
    this.write({ ping: 1 });
  }

  /** Without waiting for the other side to say goodbye too: a hub that hangs never does. */
  private leave(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private say(line: Line): void {
    this.line = line;
    this.watchers.forEach((watcher) => watcher());
  }
}

export const live = new Live(() => {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(`${scheme}//${location.host}/api/v1/live`) as unknown as SocketLike;
});

import { live, type Live } from "./socket";

/** A drop shorter than this is nobody's business. */
const PATIENCE_MS = 1_500;

/** Whether what is on the page is of the past, because the hub is not heard: the line is lost, and for longer than a hiccup. */
export class Away {
  private since: number | null = null;
  private timer?: ReturnType<typeof setTimeout>;
  private listeners = new Set<() => void>();

  constructor(private line: Pick<Live, "line" | "watch">) {
    line.watch(() => this.look());
  }

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  get = () => this.since;

  private look(): void {
    const { state, heard } = this.line.line;
    if (state !== "lost") {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.set(null);
    } else if (this.since === null && !this.timer) {
      const since = heard || Date.now();
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.set(since);
      }, PATIENCE_MS);
    }
  }

  private set(since: number | null): void {
    if (since === this.since) return;
    this.since = since;
    this.listeners.forEach((listener) => listener());
  }
}

export const away = new Away(live);

import type { AuditAct } from "@/api/types";

/** A page of acts, newest first. `next` null: there is no more; else `searched_to` says how far back was looked. */
export interface Found {
  items: AuditAct[];
  next: string | null;
  searched_to: string | null;
}

export interface State extends Found {
  /** The first page is there. */
  ready: boolean;
  /** Older ones are being read. */
  busy: boolean;
  error: unknown;
}

export const PAGE = 100;
/** So often a question that finds little is asked on by itself; then the reader says whether to go on. */
const BY_ITSELF = 25;
const FEW = 20;
const NOTHING: State = { items: [], next: null, searched_to: null, ready: false, busy: false, error: null };

/** The first page as it is now, before what was read further down; null where something may be missing in between. */
export function joined(fresh: readonly AuditAct[], old: readonly AuditAct[]): AuditAct[] | null {
  const ids = new Set(fresh.map((act) => act.id));
  if (old.length > 0 && !old.some((act) => ids.has(act.id))) return null;
  return [...fresh, ...old.filter((act) => !ids.has(act.id))];
}

/** Acts that answer one question, read from the top and further down at once: each answer is put to what is there when it comes. */
export class Reading {
  state = NOTHING;
  private over = false;
  private looking = false;
  private again = false;
  private gapless = true;
  /** Where the first page ended as it was read last. */
  private firstEnd: string | null = null;
  /** What failed, to be tried again. */
  private failed: (() => Promise<void>) | null = null;

  constructor(
    private readonly ask: (cursor: string | null) => Promise<Found>,
    private readonly tell: (state: State) => void,
  ) {}

  end = () => {
    this.over = true;
  };

  start = async (): Promise<void> => {
    await this.work(this.start, async () => {
      const page = await this.ask(null);
      if (!this.state.ready) this.putAnew(page);
    });
    if (this.state.ready && this.state.items.length < FEW) await this.more();
  };

  /** Further down. */
  more = async (): Promise<void> => {
    if (!this.state.busy) await this.work(this.more, () => this.down());
  };

  retry = () => (this.failed ?? this.start)();

  /** Something happened: the top is read again. `gapless`: no message was missed since it was read last. */
  look = async (gapless: boolean): Promise<void> => {
    this.gapless &&= gapless;
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    const whole = this.gapless;
    this.gapless = true;
    try {
      const page = await this.ask(null);
      if (this.over) return;
      if (!this.putOnTop(page, whole)) {
        this.putAnew(page);
        if (page.next && page.items.length < FEW) void this.more();
      }
    } catch (problem) {
      this.gapless &&= whole;
      this.fail(problem, () => this.look(true));
    } finally {
      this.looking = false;
      if (this.again && !this.over) {
        this.again = false;
        void this.look(true);
      }
    }
  };

  /** False where something may be missing between the page and what was read before. */
  private putOnTop(page: Found, gapless: boolean): boolean {
    const old = this.state.items;
    // a page that is not full looked far back for what it holds
    const near = page.next === this.firstEnd || (gapless && page.items.length < PAGE);
    const items = (old.length > 0 ? joined(page.items, old) : null) ?? (near ? [...page.items, ...old] : null);
    if (!this.state.ready || page.next === null || items === null) return false;
    this.firstEnd = page.next;
    this.put({ items, error: null });
    return true;
  }

  private putAnew(page: Found): void {
    this.firstEnd = page.next;
    this.put({ ...page, ready: true, error: null });
  }

  private async down(): Promise<void> {
    let found = 0;
    for (let n = 0; this.state.next && found < FEW && n < BY_ITSELF && !this.over; n++) {
      const from = this.state.next;
      const page = await this.ask(from);
      // all was read anew meanwhile: what lies below the old end would leave a hole
      if (this.over || this.state.next !== from) continue;
      this.put({ ...page, items: [...this.state.items, ...page.items] });
      found += page.items.length;
    }
  }

  private async work(again: () => Promise<void>, act: () => Promise<void>): Promise<void> {
    this.put({ busy: true });
    try {
      await act();
      this.put({ error: null });
    } catch (problem) {
      this.fail(problem, again);
    } finally {
      this.put({ busy: false });
    }
  }

  private fail(error: unknown, again: () => Promise<void>): void {
    this.failed = again;
    this.put({ error });
  }

  private put(part: Partial<State>): void {
    if (this.over) return;
    this.state = { ...this.state, ...part };
    this.tell(this.state);
  }
}

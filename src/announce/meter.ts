import { DurableObject } from 'cloudflare:workers';
import { addMinute, addTotals, newMinute, type Minute, type Tally } from '../domain/tally.ts';

const TOTALS = 'totals';
const MINUTE_MS = 60_000;
/** Minutes of an owner that are kept. */
const KEPT_MINUTES = 24 * 60;
/** Entries that one storage call deletes at most. */
const MAX_DELETED = 128;
/** A board that has not said so for longer has no subscribers any more. */
const SUBSCRIBERS_MS = 60_000;

type Totals = Omit<Tally, 'minutes'>;

/** Sorts by time: minutes since 1970 have eight digits until the year 2160. */
const minuteKey = (owner: string, minute: number): string => `minute:${owner}:${String(minute).padStart(8, '0')}`;

/**
 * Adds up what all parts of the service count, and keeps it: one call for what a part has seen within a second, and two
 * rows written by it. One instance does it all.
 */
export class Meter extends DurableObject<Env> {
  #totals: Totals | undefined;
  readonly #subscribers = new Map<string, { count: number; at: number }>();

  /** Adds a tally to the totals, and to its owners' minutes. */
  async add({ counters, histograms, minutes }: Tally): Promise<void> {
    const { storage } = this.ctx;
    const totals = await this.#read();
    addTotals(totals, { counters, histograms });
    const entries: Record<string, Minute> = {};
    for (const [owner, byMinute] of Object.entries(minutes)) {
      for (const [minute, news] of Object.entries(byMinute)) {
        const key = minuteKey(owner, Number(minute));
        const known = await storage.get<Minute>(key);
        if (!known) await this.#prune(owner, Number(minute));
        entries[key] = known ?? newMinute();
        addMinute(entries[key], news);
      }
    }
    await storage.put<Totals | Minute>({ ...entries, [TOTALS]: totals });
  }

  /** All counters and histograms since the beginning: they never go back. */
  async totals(): Promise<Totals> {
    return this.#read();
  }

  /** An owner's last minutes, oldest first; those in which nothing happened are left out. `to`: ms. */
  async minutesOf(owner: string, count: number, to: number): Promise<{ at: number; minute: Minute }[]> {
    const last = Math.floor(to / MINUTE_MS);
    const [start, end] = [minuteKey(owner, last - count + 1), minuteKey(owner, last + 1)];
    const kept = await this.ctx.storage.list<Minute>({ prefix: `minute:${owner}:`, start, end });
    return [...kept].map(([key, minute]) => ({ at: Number(key.slice(key.lastIndexOf(':') + 1)) * MINUTE_MS, minute }));
  }

  /** A board says now and then how many streams are open. Kept in memory: it says so again. */
  subscribers(owner: string, count: number, at: number): void {
    if (count > 0) this.#subscribers.set(owner, { count, at });
    else this.#subscribers.delete(owner);
  }

  /** Open streams of all owners, as their boards have said lately. */
  openStreams(now: number): number {
    return [...this.#subscribers.values()].filter(({ at }) => now - at < SUBSCRIBERS_MS).reduce((sum, { count }) => sum + count, 0); // prettier-ignore
  }

  async #read(): Promise<Totals> {
    const stored = this.#totals ?? (await this.ctx.storage.get<Totals>(TOTALS)) ?? { counters: {}, histograms: {} };
    // Of two that read at once the first counts: the second must not put back what the first has added meanwhile.
    return (this.#totals ??= stored);
  }

  /** Every minute that comes takes away those that are too old; some more at a time, after a pause. */
  async #prune(owner: string, minute: number): Promise<void> {
    const end = minuteKey(owner, minute - KEPT_MINUTES);
    const old = await this.ctx.storage.list({ prefix: `minute:${owner}:`, end, limit: MAX_DELETED });
    if (old.size > 0) await this.ctx.storage.delete([...old.keys()]);
  }
}

/** One instance adds everything up. */
export const METER = 'meter';

import { DurableObject } from 'cloudflare:workers';
import {
  addMinute,
  addSnapshot,
  addTotals,
  createSnapshot,
  isEmptySnapshot,
  createMinute,
  type Minute,
  type MetricsSnapshot,
} from './snapshot.ts';

const TOTALS = 'totals';
const STREAMS = 'streams';
const MINUTE_MS = 60_000;
/** Added counts are stored within this time. */
const SAVE_AFTER_MS = 1_000;
/** Minutes of an owner that are stored. */
const KEPT_MINUTES = 24 * 60;
/** Entries that one storage call deletes at most. */
const MAX_DELETED = 128;
/** A board that has not reported for longer has no subscribers any more. */
const SUBSCRIBERS_MS = 60_000;

type Totals = Omit<MetricsSnapshot, 'minutes'>;

/** An owner's name may have colons: encoded, no owner's keys begin with those of another one. */
const minutePrefix = (owner: string): string => `minute:${encodeURIComponent(owner)}:`;
/** Sorts by time: minutes since 1970 have eight digits until the year 2160. */
const minuteKey = (owner: string, minute: number): string =>
  `${minutePrefix(owner)}${String(minute).padStart(8, '0')}`;

/**
 * Adds up what all parts of the service count, in memory, and stores it once a second: two rows
 * written for whatever came meanwhile. A crash loses that second; a counter is stored before it is
 * reported, so it never goes back. One instance does it all.
 */
export class Metrics extends DurableObject<Env> {
  #pending = createSnapshot();
  #readTotals: Totals | undefined;
  #streams: Map<string, { count: number; at: number }> | undefined;
  #areStreamsSaved = true;

  async add(tally: MetricsSnapshot): Promise<void> {
    const isFirst = isEmptySnapshot(this.#pending);
    // Workers of the release before, beside this object for some minutes, send no Map.
    const minutes = tally.minutes instanceof Map ? tally.minutes : new Map<string, never>();
    addSnapshot(this.#pending, { ...tally, minutes });
    if (isFirst) await this.ctx.storage.setAlarm(Date.now() + SAVE_AFTER_MS);
  }

  override async alarm(): Promise<void> {
    await this.#save();
    if (this.#areStreamsSaved) return;
    this.#areStreamsSaved = true;
    await this.ctx.storage.put(STREAMS, [...(this.#streams ?? [])]);
  }

  /** All counters and histograms since the beginning. */
  async readTotals(): Promise<Totals> {
    await this.#save();
    return this.#read();
  }

  /**
   * An owner's last minutes, oldest first; those in which nothing happened are left out. `to`: ms.
   */
  async readMinutes(
    owner: string,
    count: number,
    to: number,
  ): Promise<{ at: number; minute: Minute }[]> {
    await this.#save();
    const last = Math.floor(to / MINUTE_MS);
    const [start, end] = [minuteKey(owner, last - count + 1), minuteKey(owner, last + 1)];
    const kept = await this.ctx.storage.list<Minute>({ prefix: minutePrefix(owner), start, end });
    return [...kept].map(([key, minute]) => ({
      at: Number(key.slice(key.lastIndexOf(':') + 1)) * MINUTE_MS,
      minute,
    }));
  }

  /**
   * A board reports now and then how many streams are open. A count that changed is stored, for this
   * object may sleep until the next report.
   */
  async countStreams(owner: string, count: number, at: number): Promise<void> {
    const streams = await this.#loadStreams(at);
    const before = streams.get(owner)?.count ?? 0;
    if (count > 0) streams.set(owner, { count, at });
    else streams.delete(owner);
    if (before === count || !this.#areStreamsSaved) return;
    this.#areStreamsSaved = false;
    if ((await this.ctx.storage.getAlarm()) === null)
      await this.ctx.storage.setAlarm(Date.now() + SAVE_AFTER_MS);
  }

  /** Open streams of all owners, as their boards have reported lately. */
  async openStreams(now: number): Promise<number> {
    return [...(await this.#loadStreams(now)).values()]
      .filter(({ at }) => now - at < SUBSCRIBERS_MS)
      .reduce((sum, { count }) => sum + count, 0);
  }

  /** What was stored counts until the boards have had time to report again. */
  async #loadStreams(now: number): Promise<Map<string, { count: number; at: number }>> {
    if (this.#streams) return this.#streams;
    const stored = await this.ctx.storage.get<[string, { count: number; at: number }][]>(STREAMS);
    return (this.#streams ??= new Map(
      (stored ?? []).map(([owner, { count }]) => [owner, { count, at: now }]),
    ));
  }

  /** Forgets the figures of an owner. */
  async erase(owner: string): Promise<void> {
    this.#pending.minutes.delete(owner);
    for (;;) {
      const old = await this.ctx.storage.list({ prefix: minutePrefix(owner), limit: MAX_DELETED });
      if (old.size === 0) return;
      await this.ctx.storage.delete([...old.keys()]);
    }
  }

  /**
   * No other call comes in between: the runtime delivers nothing to an object that waits for its
   * storage.
   */
  async #save(): Promise<void> {
    const { storage } = this.ctx;
    const { minutes, ...news } = this.#pending;
    if (isEmptySnapshot(this.#pending)) return;
    this.#pending = createSnapshot();
    const readTotals = await this.#read();
    addTotals(readTotals, news);
    const entries: Record<string, Minute> = {};
    for (const [owner, byMinute] of minutes) {
      for (const [minute, more] of byMinute) {
        const key = minuteKey(owner, minute);
        const known = await storage.get<Minute>(key);
        if (!known) await this.#prune(owner, minute);
        entries[key] = known ?? createMinute();
        addMinute(entries[key], more);
      }
    }
    await storage.put<Totals | Minute>({ ...entries, [TOTALS]: readTotals });
  }

  async #read(): Promise<Totals> {
    const stored = this.#readTotals ??
      (await this.ctx.storage.get<Totals>(TOTALS)) ?? { counters: {}, histograms: {} };
    // Of two that read at once the first counts: the second must not put back what the first has
    // added meanwhile.
    return (this.#readTotals ??= stored);
  }

  /**
   * Every minute that comes takes away those that are too old; some more at a time, after a pause.
   */
  async #prune(owner: string, minute: number): Promise<void> {
    const end = minuteKey(owner, minute - KEPT_MINUTES);
    const old = await this.ctx.storage.list({
      prefix: minutePrefix(owner),
      end,
      limit: MAX_DELETED,
    });
    if (old.size > 0) await this.ctx.storage.delete([...old.keys()]);
  }
}

/** One instance adds everything up. */
export const METRICS_NAME = 'meter';

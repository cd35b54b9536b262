import { DurableObject } from 'cloudflare:workers';
import { createHandOver } from './hand-over.ts';
import type { FigureQuery, Group } from './series.ts';
import {
  addSnapshot,
  addTotals,
  createSnapshot,
  isEmptySnapshot,
  type MetricsSnapshot,
} from './snapshot.ts';

const TOTALS = 'totals';
const STREAMS = 'streams';
/** Added counts are stored within this time. */
const SAVE_AFTER_MS = 1_000;
/** A board that has not reported for longer has no subscribers any more. */
const SUBSCRIBERS_MS = 60_000;

type Totals = Omit<MetricsSnapshot, 'figures'>;

/**
 * Adds up what all parts of the service count, in memory, and stores it once a second: two rows
 * written for whatever came meanwhile. Once a minute each owner's figures go to an object of its
 * own. A crash loses a second; a counter is stored before it is reported, so it never goes back.
 * One instance does it all.
 */
export class Metrics extends DurableObject<Env> {
  #pending = createSnapshot();
  #readTotals: Totals | undefined;
  #streams: Map<string, { count: number; at: number }> | undefined;
  #areStreamsSaved = true;
  readonly #handOver = createHandOver({
    storage: this.ctx.storage,
    give: async (owner, batches) => this.#figuresOf(owner).add(batches),
  });

  async add(tally: MetricsSnapshot): Promise<void> {
    const isFirst = isEmptySnapshot(this.#pending);
    // Workers of the release before, beside this object for some minutes, send none.
    const figures = tally.figures ?? new Map<string, never>();
    addSnapshot(this.#pending, { ...tally, figures });
    if (isFirst) await this.ctx.storage.setAlarm(Date.now() + SAVE_AFTER_MS);
  }

  override async alarm(): Promise<void> {
    await this.#save();
    if (!this.#areStreamsSaved) {
      this.#areStreamsSaved = true;
      await this.ctx.storage.put(STREAMS, [...(this.#streams ?? [])]);
    }
    const next = await this.#handOver.run(Date.now());
    if (next === null || (await this.ctx.storage.getAlarm()) !== null) return;
    await this.ctx.storage.setAlarm(Math.max(next, Date.now() + SAVE_AFTER_MS));
  }

  /** All counters and histograms since the beginning. */
  async readTotals(): Promise<Totals> {
    await this.#save();
    return this.#read();
  }

  /** What happened to an owner's tasks within a time, up to this second. */
  async readFigures(owner: string, query: FigureQuery): Promise<Group[]> {
    await this.#save();
    return this.#figuresOf(owner).read(query, await this.#handOver.listBatches(owner));
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
    this.#pending.figures.delete(owner);
    await this.#handOver.forget(owner);
    await this.#figuresOf(owner).erase();
  }

  /**
   * No other call comes in between: the runtime delivers nothing to an object that waits for its
   * storage.
   */
  async #save(): Promise<void> {
    const { storage } = this.ctx;
    const { figures, ...news } = this.#pending;
    if (isEmptySnapshot(this.#pending)) return;
    this.#pending = createSnapshot();
    const totals = await this.#read();
    addTotals(totals, news);
    await storage.put<unknown>({
      ...(await this.#handOver.add(figures, Date.now())),
      [TOTALS]: totals,
    });
  }

  #figuresOf(owner: string) {
    return this.env.FIGURES.getByName(owner);
  }

  async #read(): Promise<Totals> {
    const stored = this.#readTotals ??
      (await this.ctx.storage.get<Totals>(TOTALS)) ?? { counters: {}, histograms: {} };
    // Of two that read at once the first counts: the second must not put back what the first has
    // added meanwhile.
    return (this.#readTotals ??= stored);
  }
}

/** One instance adds everything up. */
export const METRICS_NAME = 'meter';

import { DurableObject } from 'cloudflare:workers';
import { decodeTask } from '../store/tasks.ts';
import { createAccepter, type AccepterDeps } from './accepter.ts';
import { createClock, type ClockDeps } from './clock.ts';

export type DispatcherDeps = Omit<AccepterDeps, 'ensureAlarmBy'> & Omit<ClockDeps, 'alarm'>;

/** Where tasks come in, and the clock that brings them back. One instance does it all; see `dispatcherName`. */
export class Dispatcher extends DurableObject<Env> {
  readonly #clock: ReturnType<typeof createClock>;
  readonly #quota: DispatcherDeps['quota'];
  readonly #accepter: ReturnType<typeof createAccepter>;

  constructor(state: DurableObjectState, env: Env, parts: DispatcherDeps) {
    super(state, env);
    this.#quota = parts.quota;
    this.#clock = createClock({ ...parts, alarm: state.storage });
    this.#accepter = createAccepter({ ...parts, ensureAlarmBy: this.#clock.ensureAlarmBy });
  }

  /**
   * Writes the tasks and hands them to their queues; answers after the commit with an `Acceptance` for each, separated by
   * commas. Repeating it by id is safe.
   * @param rows each task as `encodeTask` made it, a line each: texts cross faster than lists, and far faster than objects
   */
  async accept(rows: string): Promise<string> {
    const texts = rows.split('\n');
    return (await this.#accepter.accept(texts.map(decodeTask), texts)).join();
  }

  /** Whether an owner may have so many more unfinished tasks, which are then counted in. */
  tryReserve(owner: string, count = 1): Promise<boolean> {
    return this.#quota.take(Array.from({ length: count }, () => ({ owner }))).catch(() => true);
  }

  /** For /health: whether what was last submitted could be stored. */
  isAccepting(): boolean {
    return this.#accepter.isAccepting();
  }

  /** Call it before a row becomes due at `at` (ms): a crash in between leaves an alarm too many, never one too few. */
  ensureAlarmBy(at: number): Promise<void> {
    return this.#clock.ensureAlarmBy(at);
  }

  /** The second string of the clock: sweeps now. */
  tickNow(): Promise<void> {
    return this.#clock.tick();
  }

  override alarm(): Promise<void> {
    return this.#clock.tick();
  }
}

/** Which instance takes an accept. One place, so that accepts can later be spread while the first keeps the clock. */
export const dispatcherName = (): string => 'dispatcher-0';

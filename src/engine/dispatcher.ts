import { DurableObject } from 'cloudflare:workers';
import { taskOfRow } from '../store/tasks.ts';
import { createAccepter, type AccepterParts } from './accept.ts';
import { createClock, type ClockParts } from './clock.ts';

export type DispatcherParts = Omit<AccepterParts, 'wakeBy'> & Omit<ClockParts, 'alarm'>;

/** Where tasks come in, and the clock that brings them back. One instance does it all; see `dispatcherName`. */
export class Dispatcher extends DurableObject<Env> {
  readonly #clock: ReturnType<typeof createClock>;
  readonly #quota: DispatcherParts['quota'];
  readonly #accepter: ReturnType<typeof createAccepter>;

  constructor(state: DurableObjectState, env: Env, parts: DispatcherParts) {
    super(state, env);
    this.#quota = parts.quota;
    this.#clock = createClock({ ...parts, alarm: state.storage });
    this.#accepter = createAccepter({ ...parts, wakeBy: this.#clock.wakeBy });
  }

  /**
   * Writes the tasks and hands them to their queues; answers after the commit with an `Acceptance` for each, separated by
   * commas. Repeating it by id is safe.
   * @param rows each task as `rowJson` made it, a line each: texts cross faster than lists, and far faster than objects
   */
  async accept(rows: string): Promise<string> {
    const texts = rows.split('\n');
    return (await this.#accepter.accept(texts.map(taskOfRow), texts)).join();
  }

  /** Whether an owner may have so many more unfinished tasks, which are then counted in. */
  mayTake(owner: string, count = 1): Promise<boolean> {
    return this.#quota.take(Array.from({ length: count }, () => ({ owner }))).catch(() => true);
  }

  /** For /health: whether what was last submitted could be stored. */
  isAccepting(): boolean {
    return this.#accepter.isAccepting();
  }

  /** Call it before a row becomes due at `at` (ms): a crash in between leaves an alarm too many, never one too few. */
  wakeBy(at: number): Promise<void> {
    return this.#clock.wakeBy(at);
  }

  /** The second string of the clock: sweeps now. */
  poke(): Promise<void> {
    return this.#clock.strike();
  }

  override alarm(): Promise<void> {
    return this.#clock.strike();
  }
}

/** Which instance takes an accept. One place, so that accepts can later be spread while the first keeps the clock. */
export const dispatcherName = (): string => 'dispatcher-0';

import { database } from './database.ts';
import { AppError } from '../../src/domain/errors.ts';
import type { Schedule } from '../../src/domain/schedule.ts';
import { readScheduleKey } from '../../src/domain/schedule-key.ts';
import { isFinal, type CatchUp, type Overlap, type Status } from '../../src/domain/words.ts';
import { isFault } from './faulty-database.ts';
import { World, type Mutation } from './world.ts';

const OWNER = 'local';
const NAME = 'the-schedule';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Moments that are made up for at a time. */
const MOST = 1_000;
const BY = {
  keyId: null,
  requestId: '',
  ownHost: '',
  taskTypes: null,
  consumeMetered: async () => {},
};

/** A time in which the schedule fires as it says; `until` null: still. */
interface Epoch {
  from: number;
  until: number | null;
  everyMs: number;
  anchor: number;
}

interface ScheduledTask {
  id: string;
  status: Status;
  submitted_at: number;
  moment: number | null;
}

/**
 * One schedule in the world of the engine's model. The oracle is of its own: it knows the times in
 * which the schedule was to fire, and which moments have had a task.
 */
export class ScheduleWorld {
  readonly world: World;
  #policy: { overlap: Overlap; catchUp: CatchUp } = { overlap: 'allow', catchUp: 'all' };
  readonly #epochs: Epoch[] = [];
  /** Times for which tasks were asked by hand. */
  readonly #backfilled: { from: number; to: number }[] = [];
  /** The task of each moment, deleted ones too. */
  readonly #seen = new Map<number, string>();
  #scheduleId = '';
  #highest = 0;
  /** Moments up to here may have been refused, which the schedule tells. */
  #refused = { count: 0, until: 0 };

  constructor(world: World) {
    this.world = world;
  }

  static async empty(mutation?: Mutation): Promise<ScheduleWorld> {
    return new ScheduleWorld(await World.empty(mutation));
  }

  get now(): number {
    return this.world.now;
  }

  get overlap(): Overlap {
    return this.#policy.overlap;
  }

  // --- What the model commands

  async create(overlap: Overlap, catchUp: CatchUp, everyMs: number): Promise<void> {
    if (await this.row()) return;
    const fields = {
      name: NAME,
      cron: null,
      timezone: 'UTC',
      every_ms: everyMs,
      overlap,
      catch_up: catchUp,
      catch_up_window_ms: DAY_MS,
      task: JSON.stringify({ type: 'sum', params: { a: 1, b: 2 }, priority: 'MEDIUM' }),
    };
    await this.#change((commands) => commands.create(OWNER, fields, BY));
  }

  edit = (everyMs: number): Promise<void> =>
    this.#change((commands) => commands.change(OWNER, NAME, { every_ms: everyMs }, BY));
  pause = (): Promise<void> => this.#change((commands) => commands.pause(OWNER, NAME, BY));
  resume = (): Promise<void> => this.#change((commands) => commands.resume(OWNER, NAME, BY));
  remove = (): Promise<void> => this.#change((commands) => commands.remove(OWNER, NAME));

  async trigger(): Promise<void> {
    await this.#attempt(() => this.world.scheduling.scheduleCommands.trigger(OWNER, NAME, BY));
  }

  async backfill(ms: number): Promise<void> {
    const range = { from: this.now - ms, to: this.now };
    this.#backfilled.push(range);
    await this.#attempt(() =>
      this.world.scheduling.scheduleCommands.backfill(OWNER, NAME, { ...range, isDry: false }, BY),
    );
  }

  /** The clock looks, by its alarm if that is due, or because the cron asks. */
  async strike(how: 'alarm' | 'cron' | 'both'): Promise<void> {
    const hadFaults = this.world.faults.fail !== null;
    const { clock } = this.world.scheduling;
    if (how === 'alarm') await this.world.tick();
    else await Promise.all(how === 'both' ? [clock.tick(), clock.tick()] : [clock.tick()]);
    if (!hadFaults) await this.#assertStruck();
  }

  /** Time passes until a moment is due. */
  async #waitForDue(): Promise<void> {
    this.world.now = Math.max(this.now, (await this.row())?.wake_at ?? 0);
  }

  /** How long the last strike took, in which something else was done (ms). */
  #struckFor = 0;

  /** It is killed right after a statement of a strike was carried out. */
  async strikeAndDie(statement: string): Promise<void> {
    await this.#waitForDue();
    const died = new Promise<void>((resolve) => {
      this.world.faults.afterward = (sql) => {
        if (!sql.includes(statement)) return;
        this.world.crash(true);
        resolve();
      };
    });
    await Promise.race([died, this.world.scheduling.clock.tick()]);
    this.world.faults.afterward = () => {};
  }

  /**
   * Somebody else does something after a statement of a strike. @param waits whether what they do may
   * wait for the strike
   */
  async strikeMeanwhile(statement: string, act: () => Promise<void>, waits = false): Promise<void> {
    await this.#waitForDue();
    const acting: Promise<void>[] = [];
    this.world.faults.afterward = (sql) => {
      if (acting.length > 0 || !sql.includes(statement)) return;
      acting.push(act());
      return waits ? undefined : acting[0];
    };
    const decidedAt = this.now;
    await this.world.scheduling.clock.tick();
    this.world.faults.afterward = () => {};
    await Promise.all(acting);
    this.#struckFor = Math.max(0, this.now - decidedAt);
  }

  /** All that runs ends, or one of it. */
  async finish(index: number | 'all'): Promise<void> {
    const open = (await this.tasks()).filter(({ status }) => !isFinal(status));
    const ended = index === 'all' ? open : open.slice(index % Math.max(1, open.length)).slice(0, 1);
    await database
      .prepare(
        `UPDATE tasks
      SET status = 'COMPLETED', result = '3', held = NULL, wake_at = NULL, completed_at = ?1, updated_at = ?1
      WHERE id IN (SELECT value FROM json_each(?2))`,
      )
      .bind(this.now, JSON.stringify(ended.map(({ id }) => id)))
      .run();
  }

  /** A task that is over is deleted; a negative index counts from the newest. */
  async removeTask(index: number): Promise<void> {
    const over = (await this.tasks()).filter(({ status }) => isFinal(status));
    const task = over.at(index % Math.max(1, over.length));
    if (task) await database.prepare('DELETE FROM tasks WHERE id = ?').bind(task.id).run();
  }

  // --- What must hold

  row = (): Promise<Schedule | null> =>
    database.prepare('SELECT * FROM schedules').first<Schedule>();

  async tasks(): Promise<ScheduledTask[]> {
    const { results } = await database
      .prepare(
        'SELECT id, status, submitted_at, idempotency_key AS key FROM tasks WHERE parent_id = ? ORDER BY id',
      )
      .bind(this.#scheduleId)
      .all<{ id: string; status: Status; submitted_at: number; key: string }>();
    return results.map(({ key, ...task }) => ({
      ...task,
      moment: readScheduleKey(key)?.scheduledFor ?? null,
    }));
  }

  /** After every command. */
  async check(): Promise<void> {
    const row = await this.row();
    const tasks = await this.tasks();
    this.#highest = Math.max(this.#highest, this.now);
    for (const task of tasks) this.#assertMeant(task);
    this.#struckFor = 0;
    if (row && row.refused !== this.#refused.count)
      this.#refused = { count: row.refused, until: this.#highest };
    const open = tasks.filter(({ status, moment }) => moment !== null && !isFinal(status));
    const { overlap } = this.#policy;
    if (open.length > 1 && (overlap === 'skip' || overlap === 'queue_one'))
      throw new Error(`overlap is broken: ${JSON.stringify(open)} run at the same time`);
    const isAnyOpen = tasks.some(({ status }) => !isFinal(status));
    // One that could not be stored is tried again, and says so.
    const lookBy = this.#highest + (row?.last_error === null ? 0 : MINUTE_MS);
    if (row && row.queued_at !== null && !isAnyOpen && (row.wake_at ?? Infinity) > lookBy)
      throw new Error('queue_one is broken: nothing runs, and nobody looks at what waits');
    if (row?.wake_at == null) return;
    const { alarmAt } = this.world;
    if (alarmAt === null || alarmAt > Math.max(row.wake_at, this.#highest + MINUTE_MS))
      throw new Error(`the alarm is broken: ${alarmAt} is late for ${row.wake_at}`);
  }

  /** Faults off: what runs ends, and alarms go off, a few times. */
  async quiesce(): Promise<void> {
    this.world.faults.fail = null;
    for (let round = 0; round < 4; round += 1) {
      await this.finish('all');
      const row = await this.row();
      if (row?.wake_at == null) return;
      this.world.now = Math.max(this.now, this.world.alarmAt ?? this.now, row.wake_at);
      await this.strike('alarm');
      await this.strike('cron');
      await this.check();
    }
  }

  #assertMeant({ id, moment, submitted_at }: ScheduledTask): void {
    if (moment === null || this.#seen.get(moment) === id) return;
    const isAsked = this.#backfilled.some(({ from, to }) => from <= moment && moment <= to);
    if (this.#seen.has(moment) && !isAsked)
      throw new Error(`once is broken: ${moment} has had a task already`);
    this.#seen.set(moment, id);
    const isMeant = this.#epochs.some(
      ({ from, until, everyMs, anchor }) =>
        moment > from && moment <= (until ?? this.#highest) && (moment - anchor) % everyMs === 0,
    );
    if (!isAsked && !isMeant)
      throw new Error(`the plan is broken: ${moment} is none of ${JSON.stringify(this.#epochs)}`);
    // A strike decides by the moment at which it began.
    const isLate = submitted_at - moment > MINUTE_MS + this.#struckFor;
    const { catchUp, overlap } = this.#policy;
    if (!isAsked && isLate && catchUp === 'none' && overlap !== 'queue_one')
      throw new Error(`catch_up none is broken: ${moment} was run at ${submitted_at}`);
  }

  /** After a strike that nothing came in the way of: what was to be run has had its task. */
  async #assertStruck(): Promise<void> {
    await this.check();
    const row = await this.row();
    const epoch = this.#epochs.at(-1);
    // A clock that was put back sees moments again of which it knows no more.
    const isBehind = this.now < this.#highest;
    if (!row || !epoch || isBehind || row.last_error !== null) return;
    // Its alarm was not due, or it is paused.
    if (row.next_at === null || row.next_at <= this.now) return;
    const { overlap, catchUp } = this.#policy;
    if (overlap === 'cancel_previous') {
      const open = (await this.tasks()).filter(({ status }) => !isFinal(status));
      const byMoment = open.filter(({ moment }) => moment !== null);
      if (byMoment.length > 1)
        throw new Error('cancel_previous is broken: two run at the same time');
    }
    if (overlap === 'skip' || overlap === 'queue_one' || catchUp === 'none') return;
    const count = catchUp === 'all' && overlap === 'allow' ? MOST : 1;
    const missing = this.#listNewest(epoch, count).filter((moment) => !this.#seen.has(moment));
    if (missing.length > 0)
      throw new Error(`the promise is broken: nothing was run for ${JSON.stringify(missing)}`);
  }

  /** The newest moments of an epoch that are not older than a day. */
  #listNewest({ from, everyMs, anchor }: Epoch, count: number): number[] {
    const newest = anchor + Math.floor((this.now - anchor) / everyMs) * everyMs;
    const moments: number[] = [];
    for (let moment = newest; moments.length < count; moment -= everyMs) {
      if (moment <= Math.max(from, anchor - 1, this.#refused.until, this.now - DAY_MS)) break;
      moments.push(moment);
    }
    return moments;
  }

  /** Runs a command of a person, which may be refused, or hit by a fault, and takes note of what is so since. */
  async #change(
    act: (commands: World['scheduling']['scheduleCommands']) => Promise<Schedule>,
  ): Promise<void> {
    const before = await this.row();
    await this.#attempt(() => act(this.world.scheduling.scheduleCommands));
    const after = await this.row();
    if (before?.version === after?.version && before?.id === after?.id) return;
    const last = this.#epochs.at(-1);
    if (last) last.until ??= Math.max(this.now, before?.last_at ?? 0);
    if (!after) return;
    this.#policy = { overlap: after.overlap, catchUp: after.catch_up };
    if (after.id !== this.#scheduleId) {
      this.#scheduleId = after.id;
      this.#seen.clear();
      this.#epochs.length = 0;
      this.#backfilled.length = 0;
    }
    if (after.paused_at !== null) return;
    const from = Math.max(this.now, before?.last_at ?? 0);
    this.#epochs.push({
      from,
      until: null,
      everyMs: after.every_ms ?? 1,
      anchor: after.created_at,
    });
  }

  async #attempt(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof AppError) && !isFault(error)) throw error;
    }
  }
}

import { database } from './database.ts';
import { MAX_RUNNING, SLICE_MS, type Limit, type LimitNumbers } from '../../src/domain/limit.ts';
import { AppError } from '../../src/domain/errors.ts';
import type { Task } from '../../src/domain/task.ts';
import { isFault } from './faulty-database.ts';
import type { Allowed } from './invariants.ts';
import { World, type Mutation } from './world.ts';

const OWNER = 'local';
export const KEYS = ['k', 'm'] as const;
export const SUB_KEYS = ['', 'a', 'b'] as const;
const IDS = Array.from({ length: 7 }, (_, i) => `0199b3c2-0000-7000-8000-00000000000${i + 1}`);

/** Notes each admission, in the transaction of the admission. */
const WITNESS = [
  'DROP TABLE IF EXISTS admissions',
  'CREATE TABLE admissions (n INTEGER PRIMARY KEY, key TEXT, sub_key TEXT, at INTEGER)',
  'DROP TRIGGER IF EXISTS note_admission',
  `CREATE TRIGGER note_admission AFTER UPDATE OF slot ON tasks WHEN NEW.slot IS NOT NULL AND OLD.slot IS NULL BEGIN INSERT INTO admissions (key, sub_key, at) VALUES (NEW.limit_key, NEW.sub_key, NEW.slot); END`,
];

interface Admitted {
  key: string;
  sub_key: string;
  at: number;
}

const NONE: LimitNumbers = {
  max_running: null,
  rate_count: null,
  rate_ms: null,
  rate_burst: null,
  sub_max_running: null,
  sub_rate_count: null,
  sub_rate_ms: null,
  sub_rate_burst: null,
};

const hold = (name: string, condition: boolean, what?: unknown): void => {
  if (!condition) throw new Error(`${name} is broken: ${JSON.stringify(what)}`);
};

const toRates = (row: LimitNumbers) => ({
  key: { count: row.rate_count, ms: row.rate_ms, burst: row.rate_burst },
  sub: { count: row.sub_rate_count, ms: row.sub_rate_ms, burst: row.sub_rate_burst },
});

/** In no window more begin than the rate and its burst allow. */
const assertPace = (
  name: string,
  times: readonly number[],
  { count, ms, burst }: { count: number | null; ms: number | null; burst: number | null },
): void => {
  if (count === null || ms === null) return;
  const slice = (count * SLICE_MS) / ms;
  const capacity = Math.max(burst ?? 1, slice) + slice;
  for (let from = 0; from < times.length; from += 1)
    for (let to = from; to < times.length; to += 1) {
      const most = capacity + (((times[to] ?? 0) - (times[from] ?? 0)) * count) / ms;
      hold(`L3: the rate of ${name}`, to - from + 1 <= most + 1e-3, times.slice(from, to + 1));
    }
};

/** The world of the model, in which tasks run under limits that change. */
export class LimitWorld extends World {
  override ids = IDS;
  /** Something was lost that the clock has to find. */
  isDisturbed = false;
  #running = new Map<string, number>();
  /** Admissions before this one were under other numbers, or another clock. */
  #since = 0;
  #numbers = '';

  static override async empty(mutation?: Mutation): Promise<LimitWorld> {
    await World.clear();
    await database.batch(WITNESS.map((sql) => database.prepare(sql)));
    const world = new LimitWorld(mutation);
    await world.limit(0, { max_running: 2 });
    return world;
  }

  /** Takes the witness away, which others do not expect. */
  static async leave(): Promise<void> {
    await database.batch([
      database.prepare('DROP TRIGGER IF EXISTS note_admission'),
      database.prepare('DROP TABLE IF EXISTS admissions'),
    ]);
  }

  /** What the database fails at may or may not be done. */
  async #try(act: () => Promise<unknown>): Promise<void> {
    const { generation } = this;
    try {
      await act();
    } catch (error) {
      if (!(error instanceof AppError) && !isFault(error)) throw error;
      this.isDisturbed = true;
    }
    if (generation !== this.generation) this.isDisturbed = true;
  }

  limit(index: number, numbers: Partial<LimitNumbers>): Promise<void> {
    const key = KEYS[index] ?? 'k';
    return this.#try(() => this.limits.put(OWNER, key, { ...NONE, ...numbers }));
  }
  pauseLimit(index: number, ms: number): Promise<void> {
    return this.#try(() => this.limits.pause(OWNER, KEYS[index] ?? 'k', this.now + ms));
  }
  resumeLimit(index: number): Promise<void> {
    return this.#try(() => this.limits.resume(OWNER, KEYS[index] ?? 'k'));
  }
  removeLimit(index: number): Promise<void> {
    return this.#try(() => this.limits.remove(OWNER, KEYS[index] ?? 'k'));
  }

  /** Time passes without faults, until the clock has looked at everything once. */
  async calm(): Promise<void> {
    this.faults.fail = null;
    for (let i = 0; i < 3; i += 1) {
      this.now = Math.max(this.now + 5_000, this.alarmAt ?? this.now);
      await this.tick();
    }
    this.isDisturbed = false;
  }

  override crash(losesMessages: boolean): void {
    super.crash(losesMessages);
    this.isDisturbed = true;
  }

  override async check(allowed: Allowed): Promise<void> {
    if (this.faults.fail !== null || this.keepFails) this.isDisturbed = true;
    await super.check(allowed);
    const rows = await this.rows();
    const limits = (await database.prepare('SELECT * FROM limits').all<Limit>()).results;
    for (const row of rows) this.#assertRow(row);
    for (const key of KEYS)
      this.#assertRunning(limits.find((limit) => limit.key === key) ?? { key, ...NONE }, rows);
    await this.#assertPaces(limits);
    if (!this.isDisturbed) for (const limit of limits) this.#assertNothingIdles(limit, rows);
    const has = new Set(limits.map(({ key }) => key));
    if (!this.isDisturbed)
      for (const row of rows)
        hold(
          'L4: a deleted limit holds nothing',
          row.turn === null || has.has(row.limit_key ?? ''),
          row,
        );
  }

  #assertRow(row: Task): void {
    const { status, held, turn, slot, limit_key } = row;
    hold('what its limit holds has a turn', (held === 'limit') === (turn !== null), row);
    hold('what its limit holds is pending', turn === null || status === 'PENDING', row);
    hold('without a limit there is none', limit_key !== null || (turn ?? slot) === null, row);
    const isLive = status === 'PENDING' || status === 'IN_PROGRESS';
    const isReady = isLive && turn === null && held !== 'time';
    hold('only what may run has a slot', slot === null || isReady, row);
    const mayRun =
      status === 'IN_PROGRESS' || (status === 'PENDING' && (held === null || held === 'worker'));
    hold(
      'L2: nothing runs without having been admitted',
      limit_key === null || !mayRun || slot !== null,
      row,
    );
  }

  #assertRunning(
    { key, max_running, sub_max_running }: Pick<Limit, 'key'> & LimitNumbers,
    rows: readonly Task[],
  ): void {
    const atMost = (name: string, most: number | null, now: number): void => {
      const before = this.#running.get(name) ?? 0;
      // Numbers that were made smaller end nothing that runs.
      hold(`L2: max_running of ${name}`, now <= (most ?? Infinity) || now <= before, { now, most });
      this.#running.set(name, now);
    };
    const running = rows.filter((row) => row.limit_key === key && row.slot !== null);
    atMost(key, max_running, running.length);
    for (const sub of SUB_KEYS)
      atMost(`${key}/${sub}`, sub_max_running, running.filter((row) => row.sub_key === sub).length);
  }

  async #assertPaces(limits: readonly Limit[]): Promise<void> {
    const sql = 'SELECT n, key, sub_key, at FROM admissions ORDER BY n';
    const all = (await database.prepare(sql).all<Admitted & { n: number }>()).results;
    const numbers = JSON.stringify([
      this.behindMs,
      limits.map((limit) => [limit.key, limit.created_at, toRates(limit)]),
    ]);
    if (numbers !== this.#numbers) this.#since = all.at(-1)?.n ?? 0;
    this.#numbers = numbers;
    const since = all.filter(({ n }) => n > this.#since);
    for (const limit of limits) {
      const own = since.filter(({ key }) => key === limit.key);
      const rates = toRates(limit);
      assertPace(
        limit.key,
        own.map(({ at }) => at),
        rates.key,
      );
      for (const sub of SUB_KEYS)
        assertPace(
          `${limit.key}/${sub}`,
          own.filter(({ sub_key }) => sub_key === sub).map(({ at }) => at),
          rates.sub,
        );
    }
  }

  /** What may begin has begun, or the clock comes for it. */
  #assertNothingIdles(limit: Limit, rows: readonly Task[]): void {
    const { key, max_running, sub_max_running, wake_at, paused_until } = limit;
    const ofKey = rows.filter((row) => row.limit_key === key);
    const held = ofKey.filter(({ turn }) => turn !== null);
    const running = ofKey.filter(({ slot }) => slot !== null);
    const free = (max_running ?? MAX_RUNNING) - running.length;
    const admissible = held.filter(
      ({ sub_key }) =>
        running.filter((row) => row.sub_key === sub_key).length < (sub_max_running ?? MAX_RUNNING),
    );
    if (free <= 0 || admissible.length === 0) return;
    // One that is over ends when the clock strikes, which is due then.
    const isPaused = paused_until !== null && (paused_until > this.now || wake_at === paused_until);
    const mayWait = limit.rate_count !== null || limit.sub_rate_count !== null || isPaused;
    hold('L4: no slot is free while a task may have it', mayWait && wake_at !== null, {
      limit,
      admissible,
    });
    hold(
      'L4: the clock comes for it',
      (this.alarmAt ?? Infinity) <= Math.max(wake_at ?? 0, this.now) + 1_000,
      limit,
    );
  }
}

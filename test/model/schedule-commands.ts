import fc from 'fast-check';
import { CATCH_UPS, OVERLAPS } from '../../src/domain/words.ts';
import type { FaultKind } from './faulty-database.ts';
import { ScheduleWorld } from './schedule-world.ts';
import type { Mutation } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

class Act implements fc.AsyncCommand<object, ScheduleWorld> {
  readonly #name: string;
  readonly #run: (world: ScheduleWorld) => Promise<void> | void;

  constructor(name: string, run: (world: ScheduleWorld) => Promise<void> | void) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, world: ScheduleWorld): Promise<void> {
    await this.#run(world);
    await world.check();
  }

  toString(): string {
    return this.#name;
  }
}

const act = <T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  run: (world: ScheduleWorld, value: T) => Promise<void> | void,
): fc.Arbitrary<Act> =>
  arbitrary.map(
    (value) => new Act(`${name}(${JSON.stringify(value)})`, (world) => run(world, value)),
  );
const one = (name: string, run: (world: ScheduleWorld) => Promise<void> | void) =>
  fc.constant(new Act(name, run));

const every = fc.constantFrom(10_000, 10_000, 90_000);
const INSERT = 'tasks.insert';
const MOVE = 'schedules.move';
const LIST = 'schedules.list_due';

const create = act(
  'create',
  fc.tuple(fc.constantFrom(...OVERLAPS), fc.constantFrom('all', 'all', ...CATCH_UPS), every),
  (world, [overlap, catchUp, everyMs]) => world.create(overlap, catchUp, everyMs),
);
const advance = act(
  'advance',
  fc.constantFrom(1_000, 5_000, 10_000, 35_000, 100_000),
  (world, ms) => {
    world.world.now += ms;
  },
);
/** The service is away. */
const sleep = act('sleep', fc.constantFrom(10 * 60_000, HOUR_MS, DAY_MS), (world, ms) => {
  world.world.now += ms;
});
const strike = act('strike', fc.constantFrom('alarm', 'cron', 'both'), (world, how) =>
  world.strike(how),
);
/** Time passes until the alarm, which then goes off. */
const ring = one('ring', async (world) => {
  world.world.now = Math.max(world.now, world.world.alarmAt ?? world.now);
  await world.strike('alarm');
});
const die = act('strikeAndDie', fc.constantFrom(INSERT, MOVE, LIST), async (world, statement) => {
  await world.strikeAndDie(statement);
});
/** What it had made before is over and deleted when the service is back. */
const dieAndForget = one('dieAndForget', async (world) => {
  await world.strikeAndDie(INSERT);
  await world.check();
  await world.finish('all');
  await world.removeTask(-1);
  await world.strike('cron');
});
/** While a strike is under way: it is paused, time passes, and it goes on. */
const pauseMeanwhile = act('pauseMeanwhile', fc.constantFrom(INSERT, LIST), (world, statement) =>
  world.strikeMeanwhile(statement, async () => {
    await world.pause();
    world.world.now += 35_000;
    await world.resume();
  }),
);
const changeMeanwhile = act(
  'changeMeanwhile',
  fc.tuple(fc.constantFrom(INSERT, LIST), every),
  (world, [statement, everyMs]) =>
    world.strikeMeanwhile(statement, () => world.edit(everyMs), true),
);
const finishMeanwhile = act('finishMeanwhile', fc.constantFrom(INSERT, LIST), (world, statement) =>
  world.strikeMeanwhile(statement, () => world.finish('all')),
);
/** It changes while a moment is due. */
const changeDue = act('changeDue', every, async (world, everyMs) => {
  world.world.now += 12_000;
  await world.edit(everyMs);
});
const change = act('change', every, (world, everyMs) => world.edit(everyMs));
const pause = one('pause', (world) => world.pause());
const resume = one('resume', (world) => world.resume());
const remove = one('remove', (world) => world.remove());
const trigger = one('trigger', (world) => world.trigger());
const backfill = act('backfill', fc.constantFrom(25_000, 300_000), async (world, ms) => {
  // By hand means whatever `overlap` says.
  if (world.overlap === 'allow') await world.backfill(ms);
});
const finish = act('finish', fc.constantFrom<number | 'all'>(0, 1, 'all'), (world, index) =>
  world.finish(index),
);
const removeTask = act('removeTask', fc.nat({ max: 3 }), (world, index) => world.removeTask(index));
const crash = one('crash', (world) => world.world.crash(true));
const fail = act(
  'databaseFails',
  fc.tuple(
    fc.constantFrom<FaultKind>('before', 'after', 'overload', 'full'),
    fc.constantFrom(1, 2, 5),
  ),
  (world, [kind, times]) => {
    world.world.faults.fail = { kind, times };
  },
);
const jump = act('clockJumps', fc.constantFrom(HOUR_MS, -HOUR_MS), (world, ms) => {
  world.world.now += ms;
});

const runs = fc.commands(
  [
    create,
    create,
    advance,
    advance,
    strike,
    strike,
    ring,
    ring,
    ring,
    die,
    die,
    dieAndForget,
    pauseMeanwhile,
    changeMeanwhile,
    finishMeanwhile,
    changeDue,
    change,
    pause,
    resume,
    resume,
    remove,
    trigger,
    backfill,
    finish,
    finish,
    removeTask,
    crash,
    fail,
    fail,
    jump,
    sleep,
  ],
  { size: 'max', maxCommands: 30 },
);

/** Any run of commands keeps what schedules promise. */
export const keepsPromise = (mutation?: Mutation) =>
  fc.asyncProperty(runs, async (commands) => {
    const world = await ScheduleWorld.empty(mutation);
    await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
    const misfit = mutation?.misfit?.() ?? null;
    if (misfit !== null) throw new Error(`The mutant no longer fits its statement: ${misfit}`);
    await world.quiesce();
    world.world.crash(true);
  });

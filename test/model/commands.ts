import fc from 'fast-check';
import { IDS, type Kind, type World } from './world.ts';
import type { FaultKind } from './faulty-database.ts';
import type { Allowed } from './invariants.ts';

/** What the world is told to do next; the invariants are checked after each. */
class Act implements fc.AsyncCommand<object, World> {
  readonly #name: string;
  readonly #run: (world: World) => Promise<void> | void;
  readonly #allowed: Allowed;

  constructor(name: string, run: (world: World) => Promise<void> | void, allowed: Allowed = {}) {
    this.#name = name;
    this.#run = run;
    this.#allowed = allowed;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, world: World): Promise<void> {
    await this.#run(world);
    await world.check(this.#allowed);
  }

  toString(): string {
    return this.#name;
  }
}

const index = fc.nat({ max: IDS.length - 1 });
const idOf = (i: number): string => IDS[i] ?? '';
const act = <T>(arbitrary: fc.Arbitrary<T>, toAct: (value: T) => Act): fc.Arbitrary<Act> =>
  arbitrary.map(toAct);

const create = act(
  fc.record({
    i: index,
    delayMs: fc.constantFrom(0, 0, 0, 30_000),
    attempts: fc.constantFrom(1, 2),
    kind: fc.constantFrom<Kind>('sum', 'sum', 'quick', 'work', 'hook'),
    isWaited: fc.boolean(),
    crash: fc.constantFrom(false, false, false, true),
  }),
  ({ i, crash, ...task }) =>
    new Act(
      `create(${i}, ${task.kind}${task.isWaited ? ', waited' : ''}, ${task.delayMs}, ${task.attempts}${crash ? ', crash' : ''})`,
      (world) => world.create(i, task, crash),
    ),
);
const deliver = act(
  fc.tuple(index, fc.boolean()),
  ([i, keep]) => new Act(`deliver(${i}${keep ? ', keep' : ''})`, (world) => world.deliver(i, keep)),
);
const finish = act(
  fc.tuple(index, fc.constantFrom('complete' as const, 'fail' as const)),
  ([i, how]) => new Act(`finish(${i}, ${how})`, (world) => world.finish(i, how)),
);
const lease = act(
  fc.constantFrom(false, false, false, true),
  (dies) => new Act(`lease(${dies ? 'dies' : ''})`, (world) => world.lease(dies)),
);
const renew = act(index, (i) => new Act(`renew(${i})`, (world) => world.renew(i)));
const settle = act(
  fc.tuple(index, fc.constantFrom('complete' as const, 'fail' as const), fc.boolean()),
  ([i, how, keep]) =>
    new Act(`settle(${i}, ${how}${keep ? ', and again' : ''})`, (world) =>
      world.settle(i, how, keep),
    ),
);
const endpoint = act(
  fc.constantFrom(
    'later' as const,
    'later' as const,
    'now' as const,
    'error' as const,
    'busy' as const,
  ),
  (how) => new Act(`endpoint(${how})`, (world) => void (world.endpointAnswers = how)),
);
/** A worker dies, its lease runs out, another one has the task, and the first comes back. */
const comeBack = act(
  index,
  (i) =>
    new Act(`comeBack(${i})`, async (world) => {
      await world.lease(false);
      for (let strikes = 0; strikes < 3; strikes += 1) {
        world.now = Math.max(world.now, world.alarmAt ?? world.now);
        await world.tick();
      }
      await world.lease(false);
      await world.settle(i, 'complete', true);
    }),
);

/** The database gives no answer for 80 s, while alarms go off and tasks end. */
const stall = act(
  index,
  (i) =>
    new Act(`stall(${i})`, async (world) => {
      world.faults.fail = { kind: 'before', times: Infinity };
      for (let passed = 0; passed < 80_000; passed += 16_000) {
        world.now += 16_000;
        await world.tick();
        if (passed === 32_000) await world.finish(i, 'complete');
      }
      world.faults.fail = null;
    }),
);
const lose = act(index, (i) => new Act(`lose(${i})`, (world) => world.lose(i)));
const crash = act(
  fc.boolean(),
  (loses) => new Act(`crash(${loses})`, (world) => world.crash(loses)),
);
const advance = act(
  fc.constantFrom(1_000, 6_000, 16_000, 16_000),
  (ms) => new Act(`advance(${ms})`, (world) => void (world.now += ms)),
);
const tick = fc.constant(new Act('tick', (world) => world.tick()));
/** Time passes until the alarm, which then goes off. */
const sweep = fc.constant(
  new Act('sweep', async (world) => {
    world.now = Math.max(world.now, world.alarmAt ?? world.now);
    await world.tick();
  }),
);
/** Time passes until a lease has run out, and the alarm has taken the task back. */
const expire = fc.constant(
  new Act('expire', async (world) => {
    for (let i = 0; i < 3; i += 1) {
      world.now = Math.max(world.now, world.alarmAt ?? world.now);
      await world.tick();
    }
  }),
);
const command = act(
  fc.tuple(
    fc.constantFrom(
      'cancel' as const,
      'cancel' as const,
      'pause' as const,
      'resume' as const,
      'retry' as const,
      'retry' as const,
      'retry' as const,
    ),
    index,
  ),
  ([verb, i]) =>
    new Act(
      `${verb}(${i})`,
      (world) => world.command(verb, i),
      verb === 'retry' ? { retry: idOf(i) } : {},
    ),
);
const remove = act(
  index,
  (i) => new Act(`remove(${i})`, (world) => world.command('remove', i), { removed: idOf(i) }),
);
const pauseQueue = fc.constant(new Act('pauseQueue', (world) => world.pauseQueue()));
const resumeQueue = act(
  fc.boolean(),
  (dies) => new Act(`resumeQueue(${dies ? 'crash' : ''})`, (world) => world.resumeQueue(dies)),
);
const sendFails = act(
  fc.boolean(),
  (fails) => new Act(`sendFails(${fails})`, (world) => void (world.sendFails = fails)),
);
const databaseFails = act(
  fc.tuple(
    fc.constantFrom<FaultKind>('before', 'after', 'overload', 'reset', 'full'),
    fc.constantFrom(1, 2, 6, 6),
  ),
  ([kind, times]) =>
    new Act(
      `databaseFails(${kind}, ${times})`,
      (world) => void (world.faults.fail = { kind, times }),
    ),
);
/** An hour forth or back: safety holds, only timing moves. */
const clockJumps = act(
  fc.constantFrom(3_600_000, -3_600_000),
  (ms) =>
    new Act(`clockJumps(${ms})`, (world) => {
      world.now += ms;
      world.behindMs += Math.max(0, -ms);
    }),
);

/** A task is taken back from a handler that goes on, and runs a second time beside it. */
const zombie = act(
  index,
  (i) =>
    new Act(`zombie(${i})`, async (world) => {
      await world.deliver(i, false);
      for (let strikes = 0; strikes < 3; strikes += 1) {
        world.now = Math.max(world.now, world.alarmAt ?? world.now);
        await world.tick();
      }
      await world.deliver(i, false);
    }),
);
/**
 * A message comes a second time, when the lease of the first has run out unnoticed.
 */
const replay = act(
  index,
  (i) =>
    new Act(`replay(${i})`, async (world) => {
      await world.deliver(i, true);
      world.now += 16_000;
      await world.deliver(i, false);
    }),
);
/** A queue is paused until its tasks are parked, and the caller who resumes it dies over it. */
const resumeAndDie = fc.constant(
  new Act('resumeAndDie', async (world) => {
    await world.pauseQueue();
    for (let strikes = 0; strikes < 2; strikes += 1) {
      world.now = Math.max(world.now, world.alarmAt ?? world.now);
      await world.tick();
    }
    await world.resumeQueue(true);
  }),
);
/** A receiver of notifications that is up or down. */
const notify = act(
  fc.tuple(index, fc.boolean()),
  ([i, isUp]) => new Act(`notify(${i}, ${isUp})`, (world) => world.notify(i, isUp)),
);
/** A handler ends while the database is away for longer than anybody tries. */
const finishUnheard = act(
  fc.tuple(index, fc.boolean()),
  ([i, isKept]) =>
    new Act(`finishUnheard(${i}${isKept ? ', kept' : ''})`, async (world) => {
      world.faults.fail = { kind: 'before', times: 6 };
      world.keepFails = !isKept;
      await world.finish(i, 'complete');
      world.faults.fail = null;
      world.keepFails = false;
    }),
);

/**
 * Runs of commands, the likelier the more often they stand here. `size: 'max'` and two ids, or it
 * finds nothing: what goes wrong goes wrong between several writers of one row, after a while.
 */
export const runs = fc.commands(
  [
    create,
    create,
    create,
    deliver,
    deliver,
    deliver,
    deliver,
    deliver,
    expire,
    expire,
    advance,
    advance,
    advance,
    finish,
    finish,
    finish,
    command,
    command,
    command,
    command,
    lease,
    lease,
    renew,
    renew,
    settle,
    settle,
    settle,
    comeBack,
    endpoint,
    zombie,
    zombie,
    replay,
    finishUnheard,
    stall,
    resumeAndDie,
    sweep,
    tick,
    lose,
    crash,
    remove,
    notify,
    notify,
    pauseQueue,
    resumeQueue,
    sendFails,
    databaseFails,
    databaseFails,
    clockJumps,
  ],
  { size: 'max', maxCommands: 40 },
);

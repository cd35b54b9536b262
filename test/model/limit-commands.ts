import fc from 'fast-check';
import type { LimitNumbers } from '../../src/domain/limit.ts';
import type { FaultKind } from './faulty-database.ts';
import { KEYS, LimitWorld, SUB_KEYS } from './limit-world.ts';
import type { Allowed } from './invariants.ts';
import type { Kind, Mutation } from './world.ts';

class LimitAct implements fc.AsyncCommand<object, LimitWorld> {
  readonly #name: string;
  readonly #run: (world: LimitWorld) => Promise<void> | void;
  readonly #allow: (world: LimitWorld) => Allowed;

  constructor(
    name: string,
    run: (world: LimitWorld) => Promise<void> | void,
    allow: (world: LimitWorld) => Allowed = () => ({}),
  ) {
    this.#name = name;
    this.#run = run;
    this.#allow = allow;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, world: LimitWorld): Promise<void> {
    await this.#run(world);
    await world.check(this.#allow(world));
  }

  toString(): string {
    return this.#name;
  }
}

const act = <T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  run: (world: LimitWorld, value: T) => Promise<void> | void,
  allow?: (world: LimitWorld, value: T) => Allowed,
) =>
  arbitrary.map(
    (value) =>
      new LimitAct(
        `${name}(${JSON.stringify(value)})`,
        (world) => run(world, value),
        allow && ((world) => allow(world, value)),
      ),
  );
const one = (name: string, run: (world: LimitWorld) => Promise<void> | void) =>
  fc.constant(new LimitAct(name, run));

const index = fc.nat({ max: 6 });
const keyIndex = fc.constantFrom(0, 0, 0, 1);
const idOf = (world: LimitWorld, i: number): string => world.ids[i % world.ids.length] ?? '';

const create = act(
  'create',
  fc.record({
    i: index,
    key: fc.constantFrom(...KEYS, KEYS[0], KEYS[0], null),
    subKey: fc.constantFrom(...SUB_KEYS),
    delayMs: fc.constantFrom(0, 0, 0, 0, 20_000),
    kind: fc.constantFrom<Kind>('sum', 'sum', 'sum', 'work'),
    dies: fc.constantFrom(false, false, false, false, true),
  }),
  (world, { i, key, subKey, delayMs, kind, dies }) =>
    world.create(
      i,
      { delayMs, attempts: 2, kind, limit: key === null ? undefined : { key, subKey } },
      dies,
    ),
);
const NUMBERS: Partial<LimitNumbers>[] = [
  { max_running: 1 },
  { max_running: 2 },
  { max_running: 3, sub_max_running: 1 },
  { sub_max_running: 1 },
  { rate_count: 1, rate_ms: 2_000 },
  { rate_count: 3, rate_ms: 1_000, rate_burst: 2, max_running: 2 },
  { sub_rate_count: 1, sub_rate_ms: 5_000 },
  { max_running: 2, sub_rate_count: 2, sub_rate_ms: 1_000, sub_rate_burst: 2 },
  {},
];
const limit = act('limit', fc.tuple(keyIndex, fc.constantFrom(...NUMBERS)), (world, [i, numbers]) =>
  world.limit(i, numbers),
);
const pauseLimit = act(
  'pauseLimit',
  fc.tuple(keyIndex, fc.constantFrom(3_000, 40_000)),
  (world, [i, ms]) => world.pauseLimit(i, ms),
);
const resumeLimit = act('resumeLimit', keyIndex, (world, i) => world.resumeLimit(i));
const removeLimit = act('removeLimit', keyIndex, (world, i) => world.removeLimit(i));
const deliver = act('deliver', fc.tuple(index, fc.boolean()), (world, [i, keep]) =>
  world.deliver(i, keep),
);
const finish = act(
  'finish',
  fc.tuple(index, fc.constantFrom('complete' as const, 'complete' as const, 'fail' as const)),
  (world, [i, how]) => world.finish(i, how),
);
const lease = act('lease', fc.boolean(), (world, dies) => world.lease(dies));
const settle = act(
  'settle',
  fc.tuple(index, fc.constantFrom('complete' as const, 'fail' as const)),
  (world, [i, how]) => world.settle(i, how, false),
);
const command = act(
  'command',
  fc.tuple(
    fc.constantFrom(
      'cancel' as const,
      'pause' as const,
      'resume' as const,
      'retry' as const,
      'remove' as const,
    ),
    index,
  ),
  (world, [verb, i]) => world.command(verb, i),
  (world, [verb, i]) => ({
    ...(verb === 'retry' && { retry: idOf(world, i) }),
    ...(verb === 'remove' && { removed: idOf(world, i) }),
  }),
);
const advance = act('advance', fc.constantFrom(200, 1_000, 6_000, 16_000), (world, ms) => {
  world.now += ms;
});
const sweep = one('sweep', async (world) => {
  world.now = Math.max(world.now, world.alarmAt ?? world.now);
  await world.tick();
});
const expire = one('expire', async (world) => {
  for (let i = 0; i < 3; i += 1) {
    world.now = Math.max(world.now, world.alarmAt ?? world.now);
    await world.tick();
  }
});
const crash = act('crash', fc.boolean(), (world, loses) => world.crash(loses));
const lose = act('lose', index, (world, i) => world.lose(i));
const databaseFails = act(
  'databaseFails',
  fc.tuple(
    fc.constantFrom<FaultKind>('before', 'after', 'overload', 'reset', 'full'),
    fc.constantFrom(1, 2, 6),
  ),
  (world, [kind, times]) => {
    world.faults.fail = { kind, times };
  },
);
const finishUnheard = act(
  'finishUnheard',
  fc.tuple(index, fc.boolean()),
  async (world, [i, kept]) => {
    world.isDisturbed = true;
    world.faults.fail = { kind: 'before', times: 6 };
    world.keepFails = !kept;
    await world.finish(i, 'complete');
    world.faults.fail = null;
    world.keepFails = false;
  },
);
const pauseQueue = one('pauseQueue', (world) => world.pauseQueue());
const resumeQueue = one('resumeQueue', (world) => world.resumeQueue());
const calm = one('calm', (world) => world.calm());
const clockJumps = act('clockJumps', fc.constantFrom(3_600_000, -3_600_000), (world, ms) => {
  world.now += ms;
  world.behindMs += Math.max(0, -ms);
  world.isDisturbed = true;
});

/** Attempts fail under a limit, and come back to it. */
const failAndReturn = act('failAndReturn', index, async (world, i) => {
  await world.deliver(i, false);
  await world.finish(i, 'fail');
  for (let ticks = 0; ticks < 2; ticks += 1) {
    world.now = Math.max(world.now, world.alarmAt ?? world.now);
    await world.tick();
  }
});
const fill = async (world: LimitWorld, numbers: Partial<LimitNumbers>): Promise<void> => {
  await world.limit(0, numbers);
  for (const [i, subKey] of SUB_KEYS.entries())
    await world.create(
      i,
      { delayMs: 0, attempts: 2, kind: 'sum', limit: { key: KEYS[0], subKey } },
      false,
    );
};
/** More come than a rate lets begin. */
const overrun = one('overrun', (world) => fill(world, { rate_count: 1, rate_ms: 2_000 }));
/** One that was let go is paused, and there is no room for it any more. */
const narrow = one('narrow', async (world) => {
  await fill(world, { max_running: 3, sub_max_running: 1 });
  await world.command('pause', 2);
  await world.check({});
  await world.limit(0, { max_running: 2, sub_max_running: 1 });
  await world.command('resume', 2);
});

const commands = fc.commands(
  [
    create,
    create,
    create,
    create,
    create,
    deliver,
    deliver,
    deliver,
    deliver,
    finish,
    finish,
    finish,
    finish,
    limit,
    limit,
    limit,
    pauseLimit,
    resumeLimit,
    removeLimit,
    lease,
    lease,
    settle,
    settle,
    command,
    command,
    command,
    advance,
    advance,
    advance,
    sweep,
    sweep,
    expire,
    calm,
    calm,
    crash,
    lose,
    databaseFails,
    finishUnheard,
    pauseQueue,
    resumeQueue,
    clockJumps,
    failAndReturn,
    failAndReturn,
    overrun,
    narrow,
  ],
  { size: 'max', maxCommands: 40 },
);

/** Any run of commands keeps the invariants, and once the faults stop everything ends. */
export const keepsLimits = (mutation?: Mutation) =>
  fc.asyncProperty(commands, async (run) => {
    const world = await LimitWorld.empty(mutation);
    try {
      await fc.asyncModelRun(() => ({ model: {}, real: world }), run);
      const misfit = mutation?.misfit?.() ?? null;
      if (misfit !== null) throw new Error(`The mutant no longer fits its statement: ${misfit}`);
      world.isDisturbed = true;
      for (const i of KEYS.keys()) await world.resumeLimit(i);
      await world.quiesce();
    } finally {
      world.crash(true);
    }
  });

import fc from 'fast-check';
import type { FaultKind } from './faulty-database.ts';
import { CRASH_POINTS, FlowWorld, SHAPES } from './flow-world.ts';
import type { Allowed } from './invariants.ts';
import type { Mutation } from './world.ts';

class FlowAct implements fc.AsyncCommand<object, FlowWorld> {
  readonly #name: string;
  readonly #run: (world: FlowWorld) => Promise<void> | void;
  readonly #allowed: Allowed;

  constructor(
    name: string,
    run: (world: FlowWorld) => Promise<void> | void,
    allowed: Allowed = {},
  ) {
    this.#name = name;
    this.#run = run;
    this.#allowed = allowed;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, world: FlowWorld): Promise<void> {
    await world.try(async () => this.#run(world));
    await world.check(this.#allowed);
  }

  toString(): string {
    return this.#name;
  }
}

const act = <T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  run: (world: FlowWorld, value: T) => Promise<void> | void,
  allowed?: Allowed,
) =>
  arbitrary.map(
    (value) =>
      new FlowAct(`${name}(${JSON.stringify(value)})`, (world) => run(world, value), allowed),
  );
const one = (name: string, run: (world: FlowWorld) => Promise<void> | void) =>
  fc.constant(new FlowAct(name, run));

const index = fc.nat({ max: 9 });
const submit = act(
  'submit',
  fc.tuple(
    fc.nat({ max: SHAPES.length - 1 }),
    fc.constantFrom('stop' as const, 'stop' as const, 'continue' as const),
  ),
  (world, [shape, onFailure]) => world.submit(shape, onFailure),
);
const dieAfter = act('dieAfter', fc.constantFrom(...CRASH_POINTS), (world, statement) =>
  world.dieAfter(statement),
);
const deliver = act('deliver', fc.tuple(index, fc.boolean()), (world, [i, keep]) =>
  world.deliver(i, keep),
);
const finish = act(
  'finish',
  fc.tuple(
    index,
    fc.constantFrom('complete' as const, 'complete' as const, 'complete' as const, 'fail' as const),
  ),
  (world, [i, how]) => world.finish(i, how),
);
/** One after the other, until a crash: whoever did the rest is gone with the service. */
const inTurn = async (
  world: FlowWorld,
  ...steps: (() => Promise<void> | void)[]
): Promise<void> => {
  const { generation } = world;
  for (const step of steps) {
    await step();
    if (world.generation !== generation) return;
  }
};
/** As much as may run does. */
const run = act(
  'run',
  fc.tuple(index, fc.constantFrom('complete' as const, 'complete' as const, 'fail' as const)),
  (world, [i, how]) =>
    inTurn(
      world,
      () => world.deliver(i, false),
      () => world.check({}),
      () => world.finish(0, how),
    ),
);
/** It fails for good. */
const fail = act('fail', index, (world, i) => {
  const attempt = [
    () => world.deliver(i, false),
    () => world.finish(0, 'fail'),
    () => void (world.now += 10_000),
    () => world.tick(),
  ];
  return inTurn(world, ...attempt, ...attempt);
});
const work = one('work', (world) =>
  inTurn(
    world,
    () => world.lease(false),
    () => world.settle(0, 'complete', false),
  ),
);
const GO = { flows: true };
const cancelFlow = act('cancelFlow', index, (world, i) => world.cancelFlow(i));
const retryFlow = act('retryFlow', index, (world, i) => world.retryFlow(i), GO);
const removeFlow = act('removeFlow', index, (world, i) => world.removeFlow(i), GO);
const commandNode = act(
  'commandNode',
  fc.tuple(
    fc.constantFrom(
      'cancel' as const,
      'cancel' as const,
      'pause' as const,
      'resume' as const,
      'retry' as const,
      'retry' as const,
      'remove' as const,
    ),
    index,
  ),
  (world, [verb, i]) => world.commandNode(verb, i),
  // A node cannot be deleted alone.
  GO,
);
const advance = act('advance', fc.constantFrom(1_000, 6_000, 16_000), (world, ms) => {
  world.now += ms;
});
// What a deletion left is taken up again by the clock.
const sweep = act(
  'sweep',
  fc.constant(null),
  async (world) => {
    world.now = Math.max(world.now, world.alarmAt ?? world.now);
    await world.tick();
  },
  GO,
);
const calm = act('calm', fc.constant(null), (world) => world.calm(), GO);
const crash = act('crash', fc.boolean(), (world, loses) => world.crash(loses));
const lose = act('lose', index, (world, i) => world.lose(i));
const databaseFails = act(
  'databaseFails',
  fc.tuple(fc.constantFrom<FaultKind>('before', 'after', 'overload'), fc.constantFrom(1, 2, 6)),
  (world, [kind, times]) => {
    world.faults.fail = { kind, times };
  },
);
const pauseQueue = one('pauseQueue', (world) => world.pauseQueue());
const resumeQueue = one('resumeQueue', (world) => world.resumeQueue());

const commands = fc.commands(
  [
    submit,
    submit,
    submit,
    run,
    run,
    run,
    run,
    run,
    run,
    deliver,
    deliver,
    finish,
    finish,
    fail,
    fail,
    fail,
    work,
    cancelFlow,
    retryFlow,
    retryFlow,
    removeFlow,
    commandNode,
    commandNode,
    commandNode,
    advance,
    sweep,
    sweep,
    calm,
    calm,
    crash,
    lose,
    dieAfter,
    dieAfter,
    databaseFails,
    pauseQueue,
    resumeQueue,
  ],
  { size: 'max', maxCommands: 40 },
);

/** Any run of commands keeps the invariants, and once the faults stop every flow ends. */
export const keepsFlows = (mutation?: Mutation) =>
  fc.asyncProperty(commands, async (given) => {
    const world = await FlowWorld.empty(mutation);
    try {
      await world.submit(0, 'stop');
      await fc.asyncModelRun(() => ({ model: {}, real: world }), given);
      const misfit = mutation?.misfit?.() ?? null;
      if (misfit !== null) throw new Error(`The mutant no longer fits its statement: ${misfit}`);
      world.isDisturbed = true;
      world.faults.afterward = () => {};
      await world.resumeAll();
      await world.quiesce();
    } finally {
      world.crash(true);
    }
  });

import { rm } from 'node:fs/promises';
import { flow, type AcceptedFlow, type FlowBuilder } from '../src/client/index.ts';
import { freePort, readRows, startService, temporaryState } from '../scripts/service.ts';
import { readOptions, wholeNumber } from '../scripts/options.ts';
import { connect } from '../scripts/tasker.ts';
import { assertLoopback, figuresOf, submitToFrame } from './measure.ts';

const HELP = `npm run bench:flows -- [options]: how fast flows are accepted, and go on

  --tasks <n>    tasks of the fan-out (default 1000, all in all)
  --length <n>   of the chain (default 100)
  --rounds <n>   of each (default 3)
  --json         figures for machines
  --help         this text`;

const values = readOptions(HELP, {
  tasks: { type: 'string', default: '1000' },
  length: { type: 'string', default: '100' },
  rounds: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false },
});
const width = wholeNumber('tasks', values.tasks, 3, 1_000);
const length = wholeNumber('length', values.length, 2, 1_000);
const rounds = wholeNumber('rounds', values.rounds, 1, 100);
const say = (text: string): void => console.error(text);

const state = await temporaryState();
const service = await startService(await freePort(), state, ['LOG_LEVEL:warn']);
assertLoopback(service.url);
const tasker = connect(service.url);

const buildChain = (): FlowBuilder => {
  const chain = flow('A chain');
  let last = chain.task('n0', 'sum', { a: 0, b: 1 });
  for (let i = 1; i < length; i += 1)
    last = chain.task(`n${i}`, 'sum', { a: last.result('result'), b: 1 });
  return chain;
};

/** One, then all but two that use its value, and one that waits for all of them. */
const buildFan = (): FlowBuilder => {
  const fan = flow('Out and in');
  const first = fan.task('first', 'sum', { a: 1, b: 2 });
  const all = Array.from({ length: width - 2 }, (_, i) =>
    fan.task(`n${i}`, 'sum', { a: first.result('result'), b: i }),
  );
  fan.task('last', 'sum', { a: 1, b: 1 }, { after: all });
  return fan;
};

/** ms until it is accepted, and from then until its last task has ended by the database. */
const run = async (built: FlowBuilder): Promise<{ accepted: number; took: number }> => {
  const begun = performance.now();
  const { flow_id }: AcceptedFlow = await tasker.flows.submit(built);
  const accepted = performance.now() - begun;
  const ended = await tasker.flows.wait(flow_id, { timeout: 120_000 });
  if (ended.status !== 'COMPLETED') throw new Error(`The flow is ${ended.status}`);
  const [row] = readRows<{ took: number }>(
    state,
    `SELECT completed_at - submitted_at AS took FROM flows WHERE id = '${flow_id}'`,
  );
  return { accepted, took: row?.took ?? NaN };
};

const median = (numbers: readonly number[]): number =>
  Math.round(numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN);

const measure = async (what: string, build: () => FlowBuilder) => {
  say(`${what} …`);
  await run(build());
  const all = [];
  for (let i = 0; i < rounds; i += 1) all.push(await run(build()));
  return {
    accepted_ms: median(all.map(({ accepted }) => accepted)),
    took_ms: median(all.map(({ took }) => took)),
  };
};

try {
  say('One task at a time …');
  for (let i = 0; i < 20; i += 1) await submitToFrame(service.url);
  const times: number[] = [];
  for (let i = 0; i < 100; i += 1) times.push(await submitToFrame(service.url));
  const one = figuresOf(times);
  const single = await measure('A flow of one', () => {
    const built = flow('One');
    built.task('one', 'sum', { a: 1, b: 2 });
    return built;
  });
  const chain = await measure(`A chain of ${length}`, buildChain);
  const fan = await measure(`${width} tasks out and in`, buildFan);
  const figures = { one_task: one, single, chain, fan, per_link_ms: chain.took_ms / length };
  if (values.json) console.log(JSON.stringify(figures));
  else console.dir(figures);
} finally {
  await service.kill();
  await rm(state, { recursive: true, force: true });
}
process.exit(0);

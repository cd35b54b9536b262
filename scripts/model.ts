import { spawn } from 'node:child_process';
import { readOptions, wholeNumber } from './options.ts';

const HELP = `npm run test:model -- [options]: runs the models of the engine, schedules, limits and flows deeper than npm test does

  --runs <n>   how many runs of commands and faults (default 1000)
  --seed <n>   where to start: a failure prints its own
  --mutants    let it hunt the mutants too
  --help       this text`;

const { runs, seed, mutants } = readOptions(HELP, {
  runs: { type: 'string', default: '1000' },
  seed: { type: 'string' },
  mutants: { type: 'boolean', default: false },
});
const env = {
  ...process.env,
  MODEL_RUNS: String(wholeNumber('runs', runs, 1, 1_000_000)),
  ...(seed !== undefined && { MODEL_SEED: seed }),
};
const only = mutants ? [] : ['-t', 'keeps its promise|hold in'];
spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--project', 'model', 'test/model', ...only],
  {
    stdio: 'inherit',
    env,
  },
).on('close', (code) => process.exit(code ?? 1));

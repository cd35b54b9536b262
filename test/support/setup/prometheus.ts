import { spawnSync } from 'node:child_process';

/** Whether a real Prometheus with its promtool is here. In CI it must be. */
export const hasPrometheus = ['prometheus', 'promtool'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
);
if (!hasPrometheus) {
  const message =
    'There is no prometheus, so the test that scrapes CANNOT RUN (Debian: apt-get install prometheus)';
  if (process.env['CI'] === 'true') throw new Error(message);
  console.warn(`\n⚠  ${message}: SKIPPED\n`);
}

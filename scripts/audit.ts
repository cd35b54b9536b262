import { spawnSync } from 'node:child_process';
import { fail } from './options.ts';

// Known weaknesses in what the deployed Worker carries. Some registries have no audit endpoint:
// then it says so, and is no failure.

interface Report {
  metadata?: { vulnerabilities: { total: number } };
  error?: unknown;
  message?: string;
}

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  shell: false,
});
const report = JSON.parse(stdout || '{}') as Report;
const found = report.metadata?.vulnerabilities.total;
if (found === undefined)
  console.log(`audit: NOT CHECKED, the registry did not answer (${report.message ?? 'no report'})`);
else if (found > 0) fail(`audit: ${found} known weaknesses; see: npm audit --omit=dev`);
else console.log('audit: no known weakness');

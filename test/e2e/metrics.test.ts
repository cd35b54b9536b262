import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '../../scripts/tasker.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  freePort,
  readRows,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';
import { hasPrometheus } from '../support/setup/prometheus.ts';

// A real Prometheus scrapes the real service, with the configuration and the rules of ops/.

let service: Service;
let state: string;
let prometheus: ChildProcess | undefined;
let api: string;

beforeAll(async () => {
  if (!hasPrometheus) return;
  const [port, own] = await Promise.all([freePort(), freePort()]);
  state = await temporaryState();
  service = await startService(port, state);
  const folder = join(state, 'prometheus');
  mkdirSync(folder);
  const config = readFileSync('ops/prometheus.yml', 'utf8')
    .replace('localhost:8787', `localhost:${port}`)
    .replaceAll(/_interval: 15s/g, '_interval: 1s');
  writeFileSync(join(folder, 'prometheus.yml'), config);
  writeFileSync(join(folder, 'alerts.yml'), readFileSync('ops/alerts.yml'));
  api = `http://127.0.0.1:${own}/api/v1`;
  prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${own}`,
    ],
    { stdio: 'ignore' },
  );
});
afterAll(async () => {
  if (!hasPrometheus) return;
  prometheus?.kill('SIGKILL');
  await service.kill();
  await rm(state, { recursive: true, force: true });
});

interface Answer {
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
}
const query = async (expression: string): Promise<Answer['data']['result']> => {
  const response = await fetch(`${api}/query?query=${encodeURIComponent(expression)}`).catch(
    () => null,
  );
  return response?.ok ? ((await response.json()) as Answer).data.result : [];
};
const valueOf = async (expression: string): Promise<number> =>
  Number((await query(expression))[0]?.value[1] ?? NaN);
const post = (path: string, json: object) =>
  connect(service.url).request(path, { method: 'POST', json });

it.skipIf(!hasPrometheus)(
  'tells Prometheus the sums that the database has, after 1 000 tasks',
  async () => {
    const some = (count: number, task: object) => Array.from({ length: count }, () => task);
    const tasks = [
      ...some(900, { type: 'sum', params: { a: 1, b: 1 } }),
      ...some(60, { type: 'broken', params: {}, max_attempts: 1 }),
      ...some(40, { type: 'flaky', params: { failures: 1 } }),
    ];
    await post('/tasks/bulk', { tasks });
    const unfinished = async (): Promise<number> => {
      const { counts } = (await (await fetch(`${service.url}/stats`)).json()) as {
        counts: Record<string, number>;
      };
      return ['NEW', 'PENDING', 'IN_PROGRESS'].reduce(
        (sum, status) => sum + (counts[status] ?? 0),
        0,
      );
    };
    while ((await unfinished()) > 0) await new Promise((resolve) => setTimeout(resolve, 200));

    const rows = readRows<{ type: string; status: string; attempts: string }>(
      state,
      'SELECT type, status, attempts FROM tasks',
    );
    const attempts = rows.flatMap((row) =>
      (JSON.parse(row.attempts) as { outcome: string; started_at: number; ended_at: number }[]).map(
        (each) => ({ type: row.type, ...each }),
      ),
    );
    const ran = attempts.reduce((sum, each) => sum + (each.ended_at - each.started_at) / 1_000, 0);
    const expected: Record<string, number> = {
      'sum(tasker_tasks_submitted_total)': rows.length,
      'sum(tasker_task_executions_total{status="completed"})': rows.filter(
        ({ status }) => status === 'COMPLETED',
      ).length,
      'sum(tasker_task_executions_total{status="failed"})': rows.filter(
        ({ status }) => status === 'FAILED',
      ).length,
      'sum(tasker_task_executions_total{status="retried"})': attempts.filter(
        ({ outcome }) => outcome === 'retried',
      ).length,
      'sum(tasker_task_execution_duration_seconds_count)': attempts.length,
      'sum(tasker_task_wait_seconds_count)': attempts.length,
      'sum(tasker_tasks)': rows.length,
      up: 1,
    };
    const told = async () =>
      Object.fromEntries(
        await Promise.all(Object.keys(expected).map(async (name) => [name, await valueOf(name)])),
      );
    await expect.poll(told, { timeout: 20_000, interval: 500 }).toEqual(expected);
    expect(rows).toHaveLength(1_000);
    expect(await valueOf('sum(tasker_task_execution_duration_seconds_sum)')).toBeCloseTo(ran, 2);

    const text = await (await fetch(`${service.url}/metrics`)).text();
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([checked.status, checked.stdout, checked.stderr]).toEqual([0, '', '']);
    const tested = spawnSync('promtool', ['test', 'rules', 'ops/alerts.test.yml'], {
      encoding: 'utf8',
    });
    expect([tested.status, tested.stderr + tested.stdout]).toEqual([
      0,
      expect.stringContaining('SUCCESS'),
    ]);
    const rules = spawnSync('promtool', ['check', 'rules', 'ops/alerts.yml'], { encoding: 'utf8' });
    expect([rules.status, rules.stderr]).toEqual([0, '']);
    const targets = (await (await fetch(`${api}/targets`)).json()) as {
      data: { activeTargets: { lastError: string }[] };
    };
    expect(targets.data.activeTargets.map(({ lastError }) => lastError)).toEqual(['']);
    // Each panel of the dashboard asks for something that is there.
    const panels = (
      JSON.parse(readFileSync('ops/grafana.json', 'utf8')) as {
        panels: { title: string; targets: { expr: string }[] }[];
      }
    ).panels;
    const names = new Set(
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (line.startsWith('#') ? line.split(' ')[2] : line.split(/[{ ]/)[0])),
    );
    const asked = panels.flatMap(({ targets: each }) =>
      each.flatMap(({ expr }) => expr.match(/tasker_\w+/g) ?? []),
    );
    // Nothing has asked a provider, nor owed a notification, here.
    const quiet = [
      'tasker_external_api_requests_total',
      'tasker_notifications_total',
      'tasker_cache_hits_total',
      'tasker_cache_misses_total',
    ];
    expect(asked.filter((name) => !names.has(name) && !quiet.includes(name))).toEqual([]);
  },
);

import { v7 as uuidv7 } from 'uuid';
import { makeKey } from '../../src/domain/make-key.ts';
import type { RunWrangler } from './run.ts';

const MINUTE_MS = 60_000;
/** How long the deployed service may take for its first task: objects and queues begin cold. */
const PATIENCE_MS = 90_000;

const quote = (value: string | number | null): string => {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
};

export interface SmokeDeps {
  run: RunWrangler;
  fetch: typeof fetch;
  now(): number;
  wait(ms: number): Promise<void>;
}

/**
 * Runs a `sum` on the deployed service, by a key that is made for it and deleted again. Returns how
 * long it took, ms; throws with what went wrong.
 */
export const smokeTest = async (
  url: string,
  { run, fetch: ask, now, wait }: SmokeDeps,
): Promise<number> => {
  const write = async (sql: string): Promise<void> => {
    const { code, output } = await run([
      'd1',
      'execute',
      'DB',
      '--remote',
      '--yes',
      '--command',
      sql,
    ]);
    if (code !== 0) throw new Error(`"wrangler d1 execute" failed:\n${output}`);
  };
  const { key, row } = await makeKey(
    {
      owner: `smoke-${uuidv7()}`,
      name: 'smoke test of a deploy',
      scopes: ['tasks:read', 'tasks:write'],
      expiresAt: now() + 10 * MINUTE_MS,
      taskTypes: ['sum'],
      writesPerMinute: null,
    },
    now(),
  );
  const columns = Object.keys(row);
  const values = Object.values(row).map(quote).join(', ');
  await write(`INSERT INTO keys (${columns.join(', ')}) VALUES (${values})`);
  const startedAt = now();
  try {
    const call = async (path: string, init: RequestInit = {}): Promise<Record<string, unknown>> => {
      const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
      const response = await ask(new URL(path, url), { ...init, headers });
      const body = await response.text();
      if (!response.ok)
        throw new Error(`${path} answered ${response.status}: ${body.slice(0, 300)}`);
      return JSON.parse(body) as Record<string, unknown>;
    };
    // A new address may take a moment to be known.
    const submit = { method: 'POST', body: '{"type":"sum","params":{"a":2,"b":3}}' };
    let task: Record<string, unknown> = {};
    for (;;) {
      let failure: unknown = null;
      try {
        const isSubmitted = 'task_id' in task;
        task = await (isSubmitted
          ? call(`/tasks/${String(task['task_id'])}`)
          : call('/tasks', submit));
      } catch (error) {
        failure = error;
      }
      if (task['status'] === 'COMPLETED') break;
      if (task['status'] === 'FAILED' || now() - startedAt > PATIENCE_MS)
        throw failure ?? new Error(`The task did not complete: ${JSON.stringify(task)}`);
      await wait(1_000);
    }
    const { result } = task['result'] as { result: unknown };
    if (result !== 5) throw new Error(`2 + 3 is 5, and not ${JSON.stringify(task['result'])}`);
    return now() - startedAt;
  } finally {
    await write(
      `DELETE FROM tasks WHERE owner = ${quote(row.owner)}; DELETE FROM keys WHERE id = ${quote(row.id)}`,
    );
  }
};

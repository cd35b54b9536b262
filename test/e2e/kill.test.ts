import { rm } from 'node:fs/promises';
import { TaskerError } from '../../src/client/index.ts';
import { connect } from '../../scripts/tasker.ts';
import { afterEach, expect, it, vi } from 'vitest';
import {
  freePort,
  readRows,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';

const TASKS = 1_000;
const KILL_AFTER = 500;
const CONNECTIONS = 16;

interface Row {
  id: string;
  status: string;
  attempt: number;
  attempts: string;
  params: string;
  result: string | null;
}

let service: Service | undefined;
let state: string;
afterEach(async () => {
  await service?.kill();
  await rm(state, { recursive: true, force: true });
});

/**
 * Sends sums until the service is gone; `accepted` has the id of each that was answered with 202.
 */
const submitUntilKilled = async (
  url: string,
  accepted: Map<string, number>,
  onAccepted: () => void,
): Promise<void> => {
  let next = 0;
  const connection = async (): Promise<void> => {
    while (next < TASKS) {
      const a = next++;
      try {
        const { task_id } = await connect(url).submit({ type: 'sum', params: { a, b: 1 } });
        accepted.set(task_id, a + 1);
        onAccepted();
      } catch (error) {
        if (error instanceof TaskerError) continue;
        // The service was killed under this request: nothing was promised.
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
};

it('loses nothing when everything is killed under load, and repeats no more than was in flight', async () => {
  state = await temporaryState();
  const port = await freePort();
  service = await startService(port, state);
  const accepted = new Map<string, number>();
  let killed: Promise<void> | undefined;
  await submitUntilKilled(service.url, accepted, () => {
    if (accepted.size === KILL_AFTER) killed = service?.kill();
  });
  await killed;

  const rows = (): Row[] =>
    readRows<Row>(state, 'SELECT id, status, attempt, attempts, params, result FROM tasks');
  const atKill = rows();
  const inFlight = atKill.filter(({ status }) => status === 'IN_PROGRESS').length;
  const waiting = atKill.filter(({ status }) => status === 'PENDING').length;

  // From here on no request is made: the alarm alone brings everything back.
  const restartedAt = Date.now();
  service = await startService(port, state);
  const all = await vi.waitFor(
    () => {
      const now = rows();
      expect(now.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
      return now;
    },
    { timeout: 60_000, interval: 250 },
  );
  const seconds = ((Date.now() - restartedAt) / 1_000).toFixed(1);

  const byId = new Map(all.map((row) => [row.id, row]));
  for (const [id, sum] of accepted)
    expect(JSON.parse(byId.get(id)?.result ?? 'null')).toMatchObject({ result: sum });
  for (const { attempt, attempts } of all) {
    const outcomes = (JSON.parse(attempts) as { outcome: string }[]).map(({ outcome }) => outcome);
    expect(outcomes).toEqual([
      ...Array.from({ length: attempt - 1 }, () => 'rescued'),
      'completed',
    ]);
  }
  const repeated = all.reduce((sum, { attempt }) => sum + attempt - 1, 0);
  console.log(
    `killed at ${accepted.size} accepted: ${waiting} waiting, ${inFlight} in flight; ` +
      `all ${all.length} completed ${seconds} s after the restart, ${repeated} run again`,
  );
  expect(accepted.size).toBeGreaterThanOrEqual(KILL_AFTER);
  expect(accepted.size).toBeLessThan(TASKS);
  expect(repeated).toBeLessThanOrEqual(inFlight);
});

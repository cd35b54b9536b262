import { rm } from 'node:fs/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { flow, item } from '../../src/client/index.ts';
import { connect } from '../../scripts/tasker.ts';
import {
  freePort,
  readRows,
  startService,
  temporaryState,
  type Service,
} from '../../scripts/service.ts';

const FLOWS = 20;
const ITEMS = 30;

let service: Service | undefined;
let state: string;
afterEach(async () => {
  await service?.kill();
  await rm(state, { recursive: true, force: true });
});

/** Twice each number of a list, and their sums one by one: the last value tells of all before. */
const build = (n: number) => {
  const built = flow(`Killed ${n}`);
  const list = built.task('list', 'data_processing', {
    data: Array.from({ length: ITEMS }, (_, i) => n + i),
  });
  const twice = built.task(
    'twice',
    'sum',
    { a: item(), b: item() },
    { forEach: list.result('data', 'data') },
  );
  let last = built.task('n0', 'sum', { a: twice.result(0, 'result'), b: 0 });
  for (let i = 1; i < 10; i += 1)
    last = built.task(`n${i}`, 'sum', { a: last.result('result'), b: twice.result(i, 'result') });
  return built;
};

it('ends every flow with the right values, whenever the service is killed', async () => {
  state = await temporaryState();
  const port = await freePort();
  service = await startService(port, state, ['LOG_LEVEL:warn']);
  const ids: string[] = [];
  for (let n = 0; n < FLOWS; n += 1)
    ids.push((await connect(service.url).flows.submit(build(n))).flow_id);
  for (const pause of [150, 900, 400]) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    await service.kill();
    service = await startService(port, state, ['LOG_LEVEL:warn']);
  }
  const open = (): number =>
    readRows<{ n: number }>(state, `SELECT count(*) AS n FROM flows WHERE completed_at IS NULL`)[0]
      ?.n ?? NaN;
  await vi.waitUntil(() => open() === 0, { timeout: 120_000, interval: 500 });
  const rows = readRows<{ id: string; status: string; tasks: number }>(
    state,
    'SELECT id, status, tasks FROM flows',
  );
  expect(rows.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  expect(new Set(rows.map(({ status, tasks }) => `${status} ${tasks}`))).toEqual(
    new Set([`COMPLETED ${ITEMS + 12}`]),
  );
  const results = readRows<{ flow_id: string; result: string }>(
    state,
    `SELECT flow_id, result ->> '$.result' AS result FROM tasks WHERE node = 'n9'`,
  );
  const expected = ids.map((_, n) =>
    Array.from({ length: 10 }, (__, i) => 2 * (n + i)).reduce((sum, each) => sum + each, 0),
  );
  expect(ids.map((id) => Number(results.find(({ flow_id }) => flow_id === id)?.result))).toEqual(
    expected,
  );
}, 240_000);

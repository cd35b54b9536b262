import { buildFloor, roundOf } from './systems/tasker.ts';
import { startWorker } from './worker.ts';
import { sendAll } from './load.ts';
import autocannon from 'autocannon';
await buildFloor();
const worker = await startWorker(process.argv[2] ?? 'dist/bench/plain');
const round = await roundOf(worker);
const rate = async (name: string, t: any) => {
  const r = await autocannon({
    connections: 32,
    duration: 3,
    url: t.url,
    method: t.method ?? 'GET',
    headers: { ...t.headers, ...(t.body && { 'content-type': 'application/json' }) },
    ...(t.body && { body: JSON.stringify(t.body) }),
  });
  console.log(
    name.padEnd(24),
    Math.round(r.requests.total / r.duration),
    'per s; p50',
    r.latency.p50,
    'statuses',
    Object.keys(r.statusCodeStats ?? {}).join(),
  );
};
const h = round.headers;
await rate('floor', { url: worker.floorUrl });
await rate('404', { url: worker.url + '/nowhere', headers: h });
await rate('static openapi-less: types', { url: worker.url + '/task-types/sum', headers: h });
await rate('401', { url: worker.url + '/tasks' });
await rate('422', {
  url: worker.url + '/tasks',
  method: 'POST',
  headers: h,
  body: { type: 'sum', params: { a: 'x' } },
});
await rate('get task 404', { url: worker.url + '/tasks/0199b3c2-0000-7000-8000-000000000000/status', headers: h });
await rate('delayed submit', { ...round.submit, body: { type: 'sum', params: { a: 1, b: 2 }, delay_seconds: 600 } });
await rate('submit', { ...round.submit });
await worker.stop();
process.exit(0);

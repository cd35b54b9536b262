import { writeFileSync } from 'node:fs';
import { buildFloor, roundOf } from './systems/tasker.ts';
import { startWorker } from './worker.ts';
import { runWrangler } from '../scripts/wrangler.ts';
import { singleEndToEnd, bulkEndToEnd } from './measures.ts';
await buildFloor();
if (process.argv[3] !== 'keep') await runWrangler(['deploy', '--dry-run', '--outdir', 'dist/bench/plain']);
const worker = await startWorker('dist/bench/plain', 9555);
const system = { name: 't', round: () => roundOf(worker), stop: async () => {} };
await singleEndToEnd(system, 1000);
const list = (await (await fetch('http://127.0.0.1:9555/json/list')).json()) as any[];
console.log(list.map((x) => x.id + ' ' + x.webSocketDebuggerUrl));
const target = list.find((x) => x.id.includes('tasker'));
const ws = new WebSocket(target.webSocketDebuggerUrl);
await new Promise((r) => (ws.onopen = r));
let id = 0;
const waits = new Map<number, (v: any) => void>();
ws.onmessage = ({ data }) => {
  const m = JSON.parse(String(data));
  if (m.id) waits.get(m.id)?.(m.result);
};
const send = (method: string, params = {}) =>
  new Promise<any>((r) => {
    waits.set(++id, r);
    ws.send(JSON.stringify({ id, method, params }));
  });
await send('Profiler.enable');
await send('Profiler.setSamplingInterval', { interval: 500 });
await send('Profiler.start');
console.log(process.argv[2] === 'bulk' ? await bulkEndToEnd(system, 5000) : await singleEndToEnd(system, 3000));
const { profile } = await send('Profiler.stop');
writeFileSync('/tmp/profile.json', JSON.stringify(profile));
const self = new Map<string, number>();
let total = 0;
const byId = new Map(profile.nodes.map((n: any) => [n.id, n]));
profile.samples.forEach((s: number, i: number) => {
  const n: any = byId.get(s);
  const k = n.callFrame.functionName + ' ' + n.callFrame.url.split('/').pop() + ':' + n.callFrame.lineNumber;
  const dt = profile.timeDeltas[i];
  total += dt;
  self.set(k, (self.get(k) ?? 0) + dt);
});
for (const [k, v] of [...self].sort((a, b) => b[1] - a[1]).slice(0, 45))
  console.log((v / 1000).toFixed(0).padStart(7), 'ms', ((100 * v) / total).toFixed(1) + '%', k);
ws.close();
await worker.stop();
process.exit(0);

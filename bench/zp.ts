import { startPeer } from './systems/peers.ts';
for (const p of ['bullmq', 'celery'] as const) {
  const s = await startPeer(p).catch((e) => (console.log(p, String(e).slice(0, 1500)), null));
  if (!s) continue;
  const r = await s.round();
  for (const t of [r.submit, r.bulk]) { const a = await fetch(t.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(t.body) }); console.log(p, a.status, (await a.text()).slice(0, 300)); }
  await new Promise((r) => setTimeout(r, 3000)); console.log(await r.recorded());
  await s.stop();
}
process.exit(0);

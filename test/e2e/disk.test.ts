import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { freePort, startService, type Service } from '../../scripts/service.ts';
import { connect, untilAllFinal } from '../../scripts/tasker.ts';

const folder = mkdtempSync(join(tmpdir(), 'tasker-disk-'));
const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0;
const canMount = mount('-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder);
if (!canMount)
  console.warn(
    '\n⚠  No right to mount a tmpfs: the test of a full disk CANNOT RUN and is SKIPPED\n',
  );

let service: Service | undefined;
afterAll(async () => {
  await service?.kill();
  if (canMount) spawnSync('umount', ['-l', folder]);
  rmSync(folder, { recursive: true, force: true });
});

it.skipIf(!canMount)(
  'accepts nothing that it cannot store when the disk is full, says so, and goes on when there is room',
  async () => {
    const state = join(folder, 'state');
    const port = await freePort();
    service = await startService(port, state);
    const params = { string: 'x'.repeat(20_000) };
    const accepted: string[] = [];
    let refusals = 0;
    while (refusals < 5 && accepted.length < 500) {
      const response = await fetch(`${service.url}/tasks`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ type: 'longest_consecutive_letters', params, reuse: false }),
      });
      if (response.status === 202)
        accepted.push(((await response.json()) as { task_id: string }).task_id);
      else {
        refusals += 1;
        expect([response.status, Number(response.headers.get('Retry-After')) > 0]).toEqual([
          503,
          true,
        ]);
      }
    }
    expect(refusals).toBe(5);
    expect((await fetch(`${service.url}/health`)).status).toBe(503);

    await service.kill();
    expect(mount('-o', 'remount,size=60m', folder)).toBe(true);
    service = await startService(port, state);
    const all = await untilAllFinal(connect(service.url), 40);
    for (const id of accepted) expect(all.get(id)?.status).toBe('COMPLETED');
    console.log(`full disk: ${accepted.length} accepted before, all completed after`);
  },
);

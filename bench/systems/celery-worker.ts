import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/service.ts';
import { ended, hasProgram, PYTHON, started, startRedis, toCeleryArgs } from './programs.ts';

const FOLDER = new URL('../peers/celery', import.meta.url).pathname;

/** What is not here, and how to get it; null when Celery can run. */
export const missingForCelery = (): string | null =>
  hasProgram(PYTHON, '-c', 'import celery, redis') && hasProgram('redis-server', '--version')
    ? null
    : 'apt-get install redis-server python3-celery python3-redis';

/** Celery on a Redis of its own, without a worker yet. */
export const startCelery = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-celery-'));
  const port = await freePort();
  const children: ChildProcess[] = [await startRedis(port, { cwd: folder })];
  const env: Record<string, string | undefined> = {
    ...process.env,
    REDIS_PORT: String(port),
    PYTHONDONTWRITEBYTECODE: '1',
    C_FORCE_ROOT: '1',
  };
  const options = { cwd: FOLDER, env };
  return {
    async startWorker(): Promise<void> {
      children.push(await started(PYTHON, toCeleryArgs('workers'), options, /ready\./));
    },
    /** Runs a command of `workers.py`; resolves with what it printed. */
    async run(command: 'enqueue' | 'drain' | 'pick-up', count: number): Promise<string> {
      const child = spawn(PYTHON, ['workers.py', command, String(count)], {
        ...options,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const code = await ended(child);
      if (code !== 0) throw new Error(`workers.py ${command} ended with ${String(code)}`);
      return output;
    },
    stop(): void {
      for (const child of children)
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      setTimeout(() => rmSync(folder, { recursive: true, force: true }), 500).unref();
    },
  };
};

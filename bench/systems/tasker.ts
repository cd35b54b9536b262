import { build } from 'esbuild';
import type { Frame } from '../../src/domain/frames.ts';
import { startWorker, type BenchWorker } from '../worker.ts';
import { BULK_SIZE, type Round, type System } from './system.ts';

/** Hono by itself, for the worker beside ours that shows what the runtime can do. */
export const buildFloor = async (): Promise<void> => {
  await build({
    stdin: { contents: "export { Hono } from 'hono';", resolveDir: '.' },
    bundle: true,
    minify: true,
    format: 'esm',
    outfile: 'dist/bench/hono.js',
    logLevel: 'silent',
  });
};

const TASK = { type: 'sum', params: { a: 5, b: 3 } };

/** Node's own takes headers, unlike browsers' sockets. */
const openSocket = (url: string, headers: Record<string, string>): WebSocket =>
  new WebSocket(url, { headers } as unknown as string[]);

/** The first frame that fits; the socket is closed then. */
const frameOf = (
  url: string,
  headers: Record<string, string>,
  fits: (frame: Frame) => boolean,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = openSocket(url, headers);
    socket.addEventListener('message', ({ data }) => {
      if (!fits(JSON.parse(String(data)) as Frame)) return;
      resolve();
      socket.close();
    });
    socket.addEventListener('error', () => reject(new Error(`The stream ${url} broke`)));
  });

export const roundOf = async (
  worker: BenchWorker,
): Promise<Round & { headers: Record<string, string>; owner: string }> => {
  const { owner, headers } = await worker.newOwner();
  const ask = async (sql: string): Promise<number> =>
    Number((await worker.db.prepare(sql).bind(owner).all()).results[0]?.['n']);
  // It runs in the thread that is measured: an index answers while tasks are left, and they are
  // counted once.
  const isAnyLeft = `SELECT EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_by_status WHERE owner = ? AND status IN ('NEW', 'PENDING', 'IN_PROGRESS') AND status <> 'COMPLETED') AS n`;
  const recorded = `SELECT count(*) AS n FROM tasks WHERE owner = ? AND completed_at IS NOT NULL`;
  return {
    owner,
    headers,
    submit: { url: `${worker.url}/tasks`, method: 'POST', headers, body: TASK },
    bulk: {
      url: `${worker.url}/tasks/bulk`,
      method: 'POST',
      headers,
      body: { tasks: Array.from({ length: BULK_SIZE }, () => TASK) },
    },
    wait: {
      url: `${worker.url}/tasks`,
      method: 'POST',
      headers: { ...headers, Prefer: 'wait=10' },
      body: TASK,
    },
    isRecorded: async (tasks) => (await ask(isAnyLeft)) === 0 && (await ask(recorded)) >= tasks,
    async submitToOutcome() {
      const startedAt = performance.now();
      const response = await fetch(`${worker.url}/tasks`, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(TASK),
      });
      const { task_id } = (await response.json()) as { task_id: string };
      await frameOf(
        `${worker.url.replace('http', 'ws')}/tasks/${task_id}/events`,
        headers,
        (frame) => 'task' in frame && frame.task.status === 'COMPLETED',
      );
      return performance.now() - startedAt;
    },
  };
};

/** Ours, as deployed. */
export const startTasker = async (
  folder: string,
  v8Flags?: string,
): Promise<System & { worker: BenchWorker }> => {
  const worker = await startWorker(folder, v8Flags);
  return {
    name: 'Tasker',
    worker,
    pids: [worker.pid],
    round: () => roundOf(worker),
    stop: () => worker.stop(),
  };
};

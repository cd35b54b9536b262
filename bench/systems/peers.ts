import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/service.ts';
import { hasProgram, PYTHON, started, startRedis, toCeleryArgs } from './programs.ts';
import { BULK_SIZE, type System } from './system.ts';

// What people use today, with a PostgreSQL and a Redis of their own in a temporary folder, on
// loopback.

const PEERS = new URL('../peers/', import.meta.url).pathname;

const postgresFolder = (): string | undefined => {
  const folders = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  return folders
    .map((version) => `/usr/lib/postgresql/${version}/bin`)
    .find((folder) => existsSync(join(folder, 'initdb')));
};

/** What is not here, and how to get it; empty when a peer can run. */
export const missingFor = (peer: 'bullmq' | 'celery'): string[] => [
  ...(postgresFolder() ? [] : ['PostgreSQL: apt-get install postgresql']),
  ...(hasProgram('redis-server', '--version') ? [] : ['Redis: apt-get install redis-server']),
  ...(peer === 'celery' &&
  !hasProgram(
    PYTHON,
    '-c',
    'import fastapi, celery, asyncpg, psycopg2, redis, uvicorn, uvloop, httptools',
  )
    ? [
        'FastAPI and Celery: apt-get install python3-fastapi python3-celery python3-asyncpg python3-psycopg2 python3-redis python3-uvloop python3-httptools uvicorn',
      ]
    : []),
  ...(peer === 'bullmq' && !existsSync(join(PEERS, 'bullmq/node_modules/bullmq'))
    ? ['BullMQ: npm ci --prefix bench/peers/bullmq']
    : []),
];

/** Whatever the peers run on, ended together. */
interface Backing {
  env: Record<string, string>;
  /** Runs SQL and returns what it prints, unaligned. */
  sql(text: string): Promise<string>;
  pids: number[];
  stop(): void;
}

/** PostgreSQL will not run as root: then it runs as the user that its package has made. */
const asPostgres = (): { uid?: number; gid?: number } => {
  if (userInfo().uid !== 0) return {};
  const [, , uid, gid] = (
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.startsWith('postgres:')) ?? ''
  ).split(':');
  return { uid: Number(uid), gid: Number(gid) };
};

const startBacking = async (): Promise<Backing> => {
  const bin = postgresFolder() ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'tasker-peers-'));
  const user = asPostgres();
  chmodSync(folder, 0o755);
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const [pgPort, redisPort] = [await freePort(), await freePort()];
  const data = join(folder, 'pg');
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'bench', '--auth=trust', '--encoding=UTF8', '--no-locale'],
    { ...user, cwd: folder, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  // Durable as it is delivered; only the memory that every guide tells you to give it.
  const postgres = await started(
    join(bin, 'postgres'),
    [
      '-D',
      data,
      '-p',
      String(pgPort),
      '-k',
      folder,
      '-h',
      '127.0.0.1',
      '-c',
      'shared_buffers=256MB',
      '-c',
      'max_connections=100',
    ],
    { ...user, cwd: folder },
    /ready to accept connections/,
  );
  const redis = await startRedis(redisPort, { ...user, cwd: folder });
  const url = `postgresql://bench@127.0.0.1:${pgPort}/postgres`;
  const psql = spawn('psql', ['-X', '-q', '-A', '-t', url], { stdio: ['pipe', 'pipe', 'inherit'] });
  let pending: ((text: string) => void) | undefined;
  let answer = '';
  psql.stdout.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
    if (!answer.endsWith('<end>\n')) return;
    const text = answer.replace(/<end>\n$/, '').trim();
    answer = '';
    pending?.(text);
  });
  const sql = (text: string): Promise<string> =>
    new Promise((resolve) => {
      pending = resolve;
      psql.stdin.write(`${text};\n\\echo <end>\n`);
    });
  await sql(readFileSync(join(PEERS, 'schema.sql'), 'utf8').replace(/;\s*$/, ''));
  return {
    env: { REDIS_PORT: String(redisPort), DATABASE_URL: url },
    sql,
    pids: [postgres.pid ?? 0, redis.pid ?? 0],
    stop: () => {
      psql.kill();
      for (const child of [postgres, redis])
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      setTimeout(() => rmSync(folder, { recursive: true, force: true }), 500);
    },
  };
};

const PROGRAMS = {
  bullmq: (env: Record<string, string>) => [
    {
      command: process.execPath,
      args: ['server.js'],
      cwd: join(PEERS, 'bullmq'),
      env,
      says: /ready/,
    },
    {
      command: process.execPath,
      args: ['worker.js'],
      cwd: join(PEERS, 'bullmq'),
      env,
      says: /ready/,
    },
  ],
  // Two processes each: as many as there are cores.
  celery: (env: Record<string, string>) => [
    {
      command: PYTHON,
      args: [
        '-m',
        'uvicorn',
        'app:app',
        '--host',
        '127.0.0.1',
        '--port',
        env['PORT'] ?? '',
        '--workers',
        '2',
        '--log-level',
        'info',
        '--no-access-log',
      ],
      cwd: join(PEERS, 'celery'),
      env,
      says: /(startup complete[\s\S]*){2}/,
    },
    {
      command: PYTHON,
      args: toCeleryArgs('tasks'),
      cwd: join(PEERS, 'celery'),
      env,
      says: /ready\./,
    },
  ],
};

const NAMES = { bullmq: 'Hono + BullMQ', celery: 'FastAPI + Celery' };

/** A peer, on backing of its own. */
export const startPeer = async (peer: 'bullmq' | 'celery'): Promise<System> => {
  const backing = await startBacking();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...(process.env as Record<string, string>),
    ...backing.env,
    PORT: String(port),
    PYTHONDONTWRITEBYTECODE: '1',
    C_FORCE_ROOT: '1',
  };
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children)
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    backing.stop();
  };
  try {
    for (const { command, args, says, ...options } of PROGRAMS[peer](env))
      children.push(await started(command, args, options, says));
  } catch (error) {
    await stop();
    throw error;
  }
  let rounds = 0;
  return {
    name: NAMES[peer],
    pids: [...backing.pids, ...children.map(({ pid }) => pid ?? 0)],
    stop,
    async round() {
      const round = `round-${(rounds += 1)}`;
      const task = { type: 'sum', params: { a: 5, b: 3 } };
      return {
        submit: { url: `${url}/tasks`, method: 'POST', body: { ...task, round } },
        bulk: {
          url: `${url}/tasks/bulk`,
          method: 'POST',
          body: { round, tasks: Array.from({ length: BULK_SIZE }, () => task) },
        },
        wait: { url: `${url}/tasks/wait`, method: 'POST', body: { ...task, round } },
        isRecorded: async (tasks) =>
          Number(
            await backing.sql(
              `SELECT count(*) FROM tasks WHERE round = '${round}' AND completed_at IS NOT NULL`,
            ),
          ) >= tasks,
        // There is nothing that pushes: the client asks for the result until it is stored.
        async submitToOutcome() {
          const startedAt = performance.now();
          const response = await fetch(`${url}/tasks`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ ...task, round }),
          });
          const { task_id } = (await response.json()) as { task_id: string };
          for (;;) {
            const { status } = (await (await fetch(`${url}/tasks/${task_id}`)).json()) as {
              status: string;
            };
            if (status === 'COMPLETED') return performance.now() - startedAt;
          }
        },
      };
    },
  };
};

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

export const temporaryState = (): Promise<string> => mkdtemp(join(tmpdir(), 'tasker-e2e-'));

/** Runs one of the project's scripts to its end. */
export const runScript = async (script: string, args: string[]): Promise<{ code: number | null; output: string }> => {
  const child = spawn(process.execPath, [`scripts/${script}.ts`, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
};

export interface Service {
  url: string;
  output(): string;
  /** SIGKILL to the whole process group: nobody gets to say goodbye. */
  kill(): Promise<void>;
}

/** What `npm start` runs, in a process group of its own; resolves at its ready line, without making a request. */
export const startService = async (port: number, state: string, vars: string[] = []): Promise<Service> => {
  const child: ChildProcess = spawn(
    process.execPath,
    ['scripts/start.ts', '--port', String(port), '--state', state, ...vars.flatMap((each) => ['--var', each])],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  let output = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('Tasker is ready')) resolve();
      });
    }
    void ended.then(() => reject(new Error(`npm start ended early:\n${output}`)));
  });
  const kill = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
    await ended;
  };
  return { url: `http://localhost:${port}`, output: () => output, kill };
};

/** The rows of the service's database, read from its file: no request is made. */
export const readRows = <Row>(state: string, sql: string): Row[] => {
  const folder = join(state, 'v3/d1/miniflare-D1DatabaseObject');
  const file = existsSync(folder)
    ? readdirSync(folder).find((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite')
    : undefined;
  if (!file) throw new Error(`No database in ${folder}`);
  const database = new DatabaseSync(join(folder, file), { readOnly: true });
  try {
    return database.prepare(sql).all() as Row[];
  } finally {
    database.close();
  }
};

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Below the range from which the system takes ports for outgoing connections: a service gets its
 * own back after a kill.
 */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, 'localhost', () => probe.close(() => resolve(true)));
  });

/** A port on which nothing listens. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) return port;
  }
};

export const temporaryState = (): Promise<string> => mkdtemp(join(tmpdir(), 'tasker-e2e-'));

/** Runs one of the project's scripts to its end. */
export const runScript = async (
  script: string,
  args: string[],
): Promise<{ code: number | null; output: string }> => {
  const child = spawn(process.execPath, [`scripts/${script}.ts`, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
};

export interface Service {
  url: string;
  output(): string;
  /** SIGKILL to the whole process group: nothing can clean up. */
  kill(): Promise<void>;
  /** The outer process alone. */
  pid: number;
}

/**
 * wrangler looks for free inner ports before it binds them: of several that start at once, one may
 * come too late.
 */
const TRIES = 3;
/** Or it waits for one that another process has taken. */
const HANGS = 'was not ready in time';
const START_TIMEOUT_MS = 40_000;

/** Whether any of a process group still runs: one that has ended may wait long for being collected. */
const isAlive = (group: number): boolean => {
  const { stdout } = spawnSync('ps', ['-eo', 'pgid=,stat='], { encoding: 'utf8' });
  const processes = stdout.split('\n').map((line) => line.trim().split(/\s+/));
  return processes.some(([id, state]) => Number(id) === group && !state?.startsWith('Z'));
};
/** What was killed is looked for so often. */
const LOOK_MS = 10;
const MAX_LOOKS = 100;

/** One start; throws with what it printed if it ends before its ready line. */
const startOnce = async (
  port: number,
  state: string,
  vars: string[] = [],
  shards = 1,
): Promise<Service> => {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      'scripts/start.ts',
      '--port',
      String(port),
      '--state',
      state,
      ...vars.flatMap((each) => ['--var', each]),
      ...(shards > 1 ? ['--shards', String(shards)] : []),
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  let output = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const kill = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
    await ended;
    // The runtime ends a moment after its parent, and may still write to its files.
    for (let i = 0; i < MAX_LOOKS && child.pid !== undefined && isAlive(child.pid); i += 1)
      await sleep(LOOK_MS);
  };
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('Tasker is ready')) resolve();
      });
    }
    void ended.then(() => reject(new Error(`npm start ended early:\n${output}`)));
    timer = setTimeout(() => reject(new Error(`npm start ${HANGS}:\n${output}`)), START_TIMEOUT_MS);
  })
    .catch(async (error: unknown) => {
      await kill();
      throw error;
    })
    .finally(() => clearTimeout(timer));
  return { url: `http://localhost:${port}`, output: () => output, kill, pid: child.pid ?? 0 };
};

/**
 * What `npm start` runs, in a process group of its own; resolves at its ready line, without making
 * a request.
 */
export const startService = async (
  port: number,
  state: string,
  vars: string[] = [],
  shards = Number(process.env['SHARDS'] ?? 1),
): Promise<Service> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(port, state, vars, shards);
    } catch (error) {
      const mayPass = [HANGS, 'Address already in use'].some((text) =>
        String(error).includes(text),
      );
      if (attempt === TRIES || !mayPass) throw error;
    }
  }
};

/** The files of the service's databases. */
const findDatabases = (state: string): string[] => {
  const folder = join(state, 'v3/d1/miniflare-D1DatabaseObject');
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const found = files.filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite');
  if (found.length === 0) throw new Error(`No database in ${folder}`);
  return found.map((name) => join(folder, name));
};

/** The rows of the service's database (of several: of all), read from its file: no request is made. */
export const readRows = <Row>(state: string, sql: string): Row[] =>
  findDatabases(state).flatMap((file) => {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      return database.prepare(sql).all() as Row[];
    } finally {
      database.close();
    }
  });

/** Writes into the databases of a service that does not run. */
export const writeRows = (state: string, sql: string): void => {
  for (const file of findDatabases(state)) {
    const database = new DatabaseSync(file);
    try {
      database.exec(sql);
    } finally {
      database.close();
    }
  }
};

/** Holds the service's databases for so many ms, as another process does that writes to them. */
export const lockDatabases = async (state: string, ms: number): Promise<void> => {
  const databases = findDatabases(state).map((file) => new DatabaseSync(file, { timeout: 1_000 }));
  try {
    for (const database of databases) database.exec('BEGIN IMMEDIATE');
    await sleep(ms);
  } finally {
    for (const database of databases) database.close();
  }
};

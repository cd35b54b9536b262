import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

// Programs of other makers that the benchmarks start on loopback, and end.

/** That of Debian's packages; `BENCH_PYTHON` names one of a venv with newer ones. */
export const PYTHON = process.env['BENCH_PYTHON'] ?? '/usr/bin/python3';

/** Whether it can be run. */
export const hasProgram = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args).status === 0;

/** How a program ended. */
export const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', resolve));

/** Starts a program and waits until it prints this. */
export const started = async (
  command: string,
  args: string[],
  options: object,
  says: RegExp,
): Promise<ChildProcess> => {
  const child = spawn(command, args, {
    ...options,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.on(
        'data',
        (chunk: Buffer) =>
          says.test(
            (process.env['BENCH_LOG'] && process.stderr.write(chunk),
            (output += chunk.toString())).slice(-20_000),
          ) && resolve(),
      );
    void ended(child).then(() => reject(new Error(`${command} ended:\n${output}`)));
    setTimeout(() => reject(new Error(`${command} did not start:\n${output}`)), 30_000).unref();
  });
  return child;
};

/** A Redis whose data outlive a crash but for its last second, as most run it. */
export const startRedis = (
  port: number,
  options: { cwd: string; uid?: number; gid?: number },
): Promise<ChildProcess> =>
  started(
    'redis-server',
    `--port ${port} --bind 127.0.0.1 --dir ${options.cwd} --appendonly yes --appendfsync everysec`.split(
      ' ',
    ),
    options,
    /Ready to accept connections/,
  );

/** A Celery worker of two processes, as many as there are cores, without what one alone needs not. */
export const toCeleryArgs = (app: string): string[] =>
  `-m celery -A ${app} worker --concurrency 2 --loglevel info --without-gossip --without-mingle --without-heartbeat`.split(
    ' ',
  );

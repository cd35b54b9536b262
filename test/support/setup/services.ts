import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import type { TestProject } from 'vitest/node';
import { startFaultyCache } from './faulty-cache.ts';
import { startOutside } from './outside.ts';
import { startRestProxy } from './rest-proxy.ts';

const TOKEN = 'a-token-for-tests';

/** Starts what the tests talk to: caches, a sound and a faulty one, and the outside world. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const faulty = await startFaultyCache();
  const outside = await startOutside();
  project.provide('faultyCache', faulty.url);
  project.provide('outside', outside.url);
  project.provide('model', {
    runs: Number(process.env['MODEL_RUNS'] ?? 100),
    isLong: process.env['MODEL_RUNS'] !== undefined,
    fuzz: Number(process.env['FUZZ_RUNS'] ?? 1_500),
    hostile: Number(process.env['HOSTILE_RUNS'] ?? 500),
    seed: process.env['MODEL_SEED'] ? Number(process.env['MODEL_SEED']) : null,
  });
  const stopRedis = await startRedis(project);
  return async () => void (await Promise.all([stopRedis(), faulty.close(), outside.close()]));
}

/**
 * A real redis-server for the run, and in front of it a proxy that speaks Upstash's REST protocol.
 */
const startRedis = async (project: TestProject): Promise<() => Promise<void>> => {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    const message =
      'redis-server is not installed, so the tests of the Upstash cache CANNOT RUN (Debian: apt-get install redis-server)';
    if (process.env['CI'] === 'true') throw new Error(message);
    console.warn(`\n⚠  ${message}: SKIPPED\n`);
    project.provide('redis', null);
    return async () => {};
  }
  const folder = await mkdtemp(join(tmpdir(), 'tasker-redis-'));
  const socket = join(folder, 'redis.sock');
  const server = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder],
    {
      stdio: 'ignore',
    },
  );
  // The client keeps trying until the server listens.
  const client = createClient({
    socket: { path: socket, tls: false, reconnectStrategy: () => 20 },
  });
  client.on('error', () => {});
  await client.connect();
  const proxy = await startRestProxy(TOKEN, (command) => client.sendCommand(command));
  project.provide('redis', { url: proxy.url, token: TOKEN });
  return async () => {
    await proxy.close();
    client.destroy();
    server.kill();
    await rm(folder, { recursive: true, force: true });
  };
};

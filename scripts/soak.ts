import { rm } from 'node:fs/promises';
import { startFaultyCache } from '../test/support/setup/faulty-cache.ts';
import type { TaskDetail } from '../src/domain/view.ts';
import { isFinal } from '../src/domain/words.ts';
import { connect, isUnanswered, sleep, untilAllFinal } from './tasker.ts';
import { OUTSIDE_MIX, startOutside } from './soak-outside.ts';
import { readOptions, wholeNumber } from './options.ts';
import { freePort, startService, temporaryState } from './service.ts';

const HELP = `npm run soak -- [options]: load on a service of its own that is killed again and again, and what became of every task

  --minutes <n>   how long (default 3)
  --kills <n>     how often everything is killed with SIGKILL (default 10)
  --rate <n>      tasks a second (default 25)
  --workers       a third of them run outside: by three workers in each language and by an endpoint,
                  all killed at random too
  --json          the figures for machines
  --help          this text

Meanwhile the cache misbehaves and streams are cut. Exits with 1 if anything was lost, finished twice or ended wrongly.`;

const values = readOptions(HELP, {
  minutes: { type: 'string', default: '3' },
  kills: { type: 'string', default: '10' },
  rate: { type: 'string', default: '25' },
  workers: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
});
const minutes = wholeNumber('minutes', values.minutes, 1, 60);
const kills = wholeNumber('kills', values.kills, 0, 200);
const rate = wholeNumber('rate', values.rate, 1, 200);

/** What is submitted, how often of a hundred, and how it must end. */
const MIX = [
  { share: 60, type: 'sum', params: { a: 20, b: 22 }, ends: 'COMPLETED' },
  {
    share: 10,
    type: 'longest_consecutive_letters',
    params: { string: 'aaabbccccdd' },
    ends: 'COMPLETED',
  },
  { share: 10, type: 'flaky', params: { failures: 1 }, ends: 'COMPLETED' },
  {
    share: 10,
    type: 'simulate',
    params: { duration: 1 },
    more: { timeout_seconds: 5 },
    ends: 'COMPLETED',
  },
  {
    share: 2,
    type: 'simulate',
    params: { duration: 2 },
    more: { timeout_seconds: 31 },
    ends: 'COMPLETED',
  },
  { share: 8, type: 'broken', params: {}, more: { max_attempts: 2 }, ends: 'FAILED' },
] as const;

/** Of submits, those that wait for the end: light tasks then run at once, in the Worker. */
const WAITED = 1 / 3;

/**
 * L1 for the slowest of these: (attempts + 3 rescues) × (lease + the clock's minute + the longest
 * back-off). What is seen is far below, since hardly any task is unlucky so often.
 */
const BOUND_SECONDS = (3 + 3) * (41 + 60 + 4);

const mix = [...MIX, ...(values.workers ? OUTSIDE_MIX : [])];
const shares = mix.reduce((sum, { share }) => sum + share, 0);
const pick = (): (typeof mix)[number] => {
  let left = Math.random() * shares;
  return mix.find(({ share }) => (left -= share) < 0) ?? MIX[0];
};

const state = await temporaryState();
const port = await freePort();
const endpointPort = await freePort();
const cache = await startFaultyCache();
const start = () =>
  startService(port, state, [
    `UPSTASH_REDIS_REST_URL:${cache.url}/mixed`,
    'UPSTASH_REDIS_REST_TOKEN:t',
    'LOG_LEVEL:error',
    `CALLBACK_HOSTS:127.0.0.1:${endpointPort}`,
  ]);
let service = await start();
const client = connect(service.url);
const outside = values.workers ? await startOutside(client, service.url, endpointPort) : null;
const accepted = new Map<string, string>();
const killedAt: number[] = [];
/** Waited submits that were answered with the end. */
let answered = 0;
let unanswered = 0;
let isOver = false;

const say = (text: string): void => {
  if (!values.json) console.log(text);
};

/**
 * One client of several, each waiting for its answer as clients do; what was not answered was not
 * promised.
 */
const submitting = async (share: number): Promise<void> => {
  while (!isOver) {
    const nextAt = Date.now() + 1_000 / (rate * share);
    const { type, params, ends, ...rest } = pick();
    try {
      const task = { type, params, ...('more' in rest && rest.more) };
      const isWaited = Math.random() < WAITED;
      const { task_id, status } = await client.submit(task, isWaited ? { waitSeconds: 2 } : {});
      if (isWaited && isFinal(status)) answered += 1;
      accepted.set(task_id, ends);
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      unanswered += 1;
    }
    await sleep(nextAt - Date.now());
  }
};

/** Streams that are opened and cut without a goodbye. */
const cutting = async (): Promise<void> => {
  while (!isOver) {
    const id = [...accepted.keys()].at(-1);
    const socket = new WebSocket(
      `${service.url.replace('http', 'ws')}${id && Math.random() < 0.5 ? `/tasks/${id}` : ''}/events`,
    );
    socket.onerror = () => {};
    await sleep(200 + Math.random() * 800);
    if (socket.readyState === WebSocket.OPEN) socket.close();
  }
};

/** Kills of what runs outside, as often as the service is killed, and as often again. */
const killingOutside = async (): Promise<void> => {
  while (!isOver && outside) {
    await sleep(Math.random() * ((minutes * 60_000) / Math.max(1, kills)));
    await outside.killOne();
  }
};

const CLIENTS = 10;
const work = [
  ...Array.from({ length: CLIENTS }, () => submitting(1 / CLIENTS)),
  cutting(),
  cutting(),
  killingOutside(),
];
const endAt = Date.now() + minutes * 60_000;
// Kills at random moments, one in each of as many equal spans; the last span is left for the end.
const span = (minutes * 60_000) / (kills + 1);
for (let kill = 0; kill < kills; kill += 1) {
  const spanEnds = endAt - span * (kills - kill);
  await sleep(spanEnds - Date.now() - Math.random() * span * 0.5);
  killedAt.push(Date.now());
  await service.kill();
  service = await start();
  say(`kill ${kill + 1} of ${kills}: ${accepted.size} accepted so far`);
}
await sleep(endAt - Date.now());
isOver = true;
await Promise.all(work);

say('Faults are over; waiting for every task to end …');
await untilAllFinal(client, BOUND_SECONDS);

let lost = 0;
let twice = 0;
let wrong = 0;
const ended = new Map<string, number>();
const rows: TaskDetail[] = [];
for (const [id, expected] of accepted) {
  const task = await client.get(id).catch(() => null);
  if (!task || !isFinal(task.status)) {
    lost += 1;
    continue;
  }
  rows.push(task);
  ended.set(task.status, (ended.get(task.status) ?? 0) + 1);
  const finals = task.attempts.filter(
    ({ outcome }) => outcome === 'completed' || outcome === 'failed',
  );
  // Answered with the output of another, it was never run.
  if (finals.length !== (task.reused_from === null ? 1 : 0)) twice += 1;
  if (task.status !== expected) wrong += 1;
}
/**
 * How long after a kill the last of those ended that were accepted before it and not final at it.
 */
const recoveries = killedAt.map((at) => {
  const open = rows.filter(
    (row) => Date.parse(row.submitted_at) <= at && Date.parse(row.completed_at ?? '') > at,
  );
  return Math.max(0, ...open.map((row) => (Date.parse(row.completed_at ?? '') - at) / 1_000));
});
const figures = {
  minutes,
  kills: killedAt.length,
  ...(outside && { kills_outside: outside.count() }),
  accepted: accepted.size,
  per_second: Number((accepted.size / (minutes * 60)).toFixed(1)),
  answered_with_end: answered,
  unanswered,
  completed: ended.get('COMPLETED') ?? 0,
  failed_as_designed: ended.get('FAILED') ?? 0,
  ended_wrongly: wrong,
  lost,
  finished_twice: twice,
  run_again: rows.reduce((sum, row) => sum + row.rescues, 0),
  slowest_recovery_seconds: Number(Math.max(0, ...recoveries).toFixed(1)),
  recovery_after_last_kill_seconds: Number((recoveries.at(-1) ?? 0).toFixed(1)),
  bound_seconds: BOUND_SECONDS,
};
if (values.json) console.log(JSON.stringify(figures));
else console.table(figures);

outside?.stop();
await service.kill();
await cache.close();
await rm(state, { recursive: true, force: true });
process.exit(
  lost + twice + wrong === 0 && figures.recovery_after_last_kill_seconds <= BOUND_SECONDS ? 0 : 1,
);

import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { createAdmission, findLimitKeys } from '../../src/engine/admission.ts';
import { createTaskQueues } from '../../src/engine/task-queues.ts';
import { createAdmissionStore, type AdmissionStore } from '../../src/store/admission.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { keepLog, keepPublished, keepQueues } from '../support/deps.ts';
import { holdTasks, putLimit } from '../support/limits.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;

afterEach(() => vi.restoreAllMocks());

const setup = (
  admitUnder?: AdmissionStore['admit'],
  {
    getMany = createTaskStore(env.DB).getMany,
    wake = async () => {},
  }: { getMany?: ReturnType<typeof createTaskStore>['getMany']; wake?: () => Promise<void> } = {},
) => {
  const { log, events } = keepLog();
  const { queues, sent } = keepQueues();
  const { publish, published } = keepPublished();
  const alarms: number[] = [];
  const admission = createAdmission({
    admissions: { admit: admitUnder ?? createAdmissionStore(env.DB).admit },
    store: { getMany },
    taskQueues: createTaskQueues({ queues, log }),
    tellWorkers: publish,
    ensureAlarmBy: async (at) => {
      alarms.push(at);
      await wake();
    },
    now: () => NOW,
    log,
  });
  return { ...admission, events, sent, published, alarms };
};

it('sends what a limit lets go, and again after each end', async () => {
  const { admitAfter, sent } = setup();
  await putLimit('a', { max_running: 2 }, NOW);
  const tasks = await holdTasks('a', 3, NOW);
  await admitAfter(tasks);
  expect(sent.map(({ id }) => id).toSorted()).toEqual(tasks.slice(0, 2).map(({ id }) => id));
  await createTransitions(env.DB).command('cancel', 'a', tasks[0]?.id ?? '', NOW);
  await admitAfter(tasks.slice(0, 1));
  expect(sent).toHaveLength(3);
  await admitAfter([aTask({ owner: 'a' })]);
  expect(sent).toHaveLength(3);
});

it('lets more go than one call can', async () => {
  const { admit, admitAfter, sent, alarms } = setup();
  await putLimit('b', {}, NOW);
  const tasks = await holdTasks('b', 3_300, NOW);
  // One round by itself: the rest is the Dispatcher's.
  await admitAfter(tasks.slice(0, 1));
  expect([sent.length, alarms]).toEqual([1_000, [NOW]]);
  expect(await admit([{ owner: 'b', key: 'k' }])).toHaveLength(2_300);
});

it('tells workers of their tasks, and the clock of a rate', async () => {
  const { admit, published, alarms } = setup();
  await putLimit('c', { rate_count: 1, rate_ms: 10_000 }, NOW);
  const [first, second] = ['a', 'b'].map((subKey) =>
    aTask({ owner: 'c', limitKey: 'k', subKey, queue: 'worker-medium' }, NOW),
  );
  if (!first || !second) throw new Error('No tasks');
  await store(first, second);
  expect(await admit([{ owner: 'c', key: 'k' }])).toEqual([]);
  expect(published.map(({ held }) => held)).toEqual(['worker']);
  expect(alarms).toEqual([NOW + 9_750]);
});

it('leaves to the clock what the database does not answer', async () => {
  const { admit, events } = setup(() => Promise.reject(new Error('Network connection lost.')));
  expect(await admit([{ owner: 'd', key: 'k' }])).toEqual([]);
  expect(events()).toEqual(['admission_failed']);
});

it('sends what it let go, whatever fails after it', async () => {
  const fail = (): Promise<never> => Promise.reject(new Error('Network connection lost.'));
  const { admitAfter, sent, events } = setup(undefined, { getMany: fail, wake: fail });
  await putLimit('f', { rate_count: 2, rate_ms: 10_000, rate_burst: 2 }, NOW);
  const tasks = ['worker-medium', 'default-medium', 'default-medium'].map((queue, i) =>
    aTask({ owner: 'f', limitKey: 'k', subKey: String(i), queue }, NOW),
  );
  await store(...tasks);
  await admitAfter(tasks);
  expect(sent.map(({ id }) => id)).toEqual([tasks[1]?.id]);
  expect(events()).toEqual(['alarm_failed', 'publish_failed']);
});

it('names each limit of several tasks once', () => {
  const tasks = ['x', 'y', 'x', null].map((limitKey) => aTask({ owner: 'e', limitKey }));
  expect(findLimitKeys(tasks).map(({ key }) => key)).toEqual(['x', 'y']);
});

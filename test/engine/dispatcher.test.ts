import { createScheduledController, evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { startDirectly } from '../../src/domain/direct-run.ts';
import { decodeAcceptances, encodeRecordings, encodeTasks } from '../../src/engine/accept-wire.ts';
import { chooseDispatcher } from '../../src/engine/dispatcher.ts';
import worker from '../../src/index.ts';
import { encodeDirect } from '../../src/store/inserts.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { finished } from '../support/client.ts';
import { aTask, rowOf, store } from '../support/rows.ts';

const dispatcher = () => env.DISPATCHER.getByName(chooseDispatcher());

it('accepts what comes over the wire, and answers in its words', async () => {
  const tasks = [aTask(), aTask()];
  const answer = await dispatcher().accept(encodeTasks(tasks));
  expect(decodeAcceptances(answer)).toEqual(['accepted', 'accepted']);
  for (const { id } of tasks) expect((await finished(id)).status).toBe('COMPLETED');
});

it('sets its alarm before a row becomes due, and never later than it was', async () => {
  const at = Date.now() + 3_600_000;
  const readAlarm = () => runInDurableObject(dispatcher(), (_, state) => state.storage.getAlarm());
  await dispatcher().ensureAlarmBy(at);
  const first = await readAlarm();
  expect(first).toBeLessThanOrEqual(at);
  await dispatcher().ensureAlarmBy(at + 60_000);
  expect(await readAlarm()).toBeLessThanOrEqual(first as number);
});

it('looks soon at what was recorded, which is counted in its memory alone', async () => {
  const readAlarm = () => runInDurableObject(dispatcher(), (_, state) => state.storage.getAlarm());
  const task = aTask();
  const born = startDirectly(task, Date.now());
  await createTaskStore(env.DB).insertMany([], [encodeDirect(task, born)]);
  const recording = { task: born, verdict: { transition: 'complete', result: '3' } } as const;
  await runInDurableObject(dispatcher(), (_, state) => state.storage.deleteAlarm());
  // An object that starts anew knows of no alarm.
  await evictDurableObject(dispatcher());
  expect(JSON.parse(await dispatcher().record(encodeRecordings([recording])))).toHaveLength(1);
  expect(await readAlarm()).toBeLessThanOrEqual(Date.now() + 5_000);
});

it('brings a lost task back by the cron trigger, as by the alarm', async () => {
  const task = aTask({}, Date.now() - 60_000);
  await store(task);
  await worker.scheduled(createScheduledController(), env);
  expect((await finished(task.id)).status).toBe('COMPLETED');
  expect((await rowOf(task.id)).attempt).toBe(1);
});

import { expect, it } from 'vitest';
import { endDirectly, pickDirect, startDirectly } from '../../src/domain/direct-run.ts';
import {
  decodeAcceptances,
  decodeRecordings,
  decodeTasks,
  encodeAcceptances,
  encodeRecordings,
  encodeTasks,
} from '../../src/engine/accept-wire.ts';
import { aTask } from '../support/rows.ts';

const tasks = [aTask({ title: 'line\nbreak, "quotes"' }), aTask({ tags: ['a'] })];

it('reads back the tasks that it wrote, in their order', () => {
  expect(decodeTasks(encodeTasks(tasks)).map(({ task }) => task)).toEqual(tasks);
});

it('reads the rows of another release: a column that it lacks is null, one too many is left out', () => {
  const [header = '', row = ''] = encodeTasks(tasks).split('\n');
  const columns = header.split(' ').slice(1);
  const values = JSON.parse(row) as unknown[];
  const place = columns.indexOf('title');
  const theirs = [
    `v1 new_column ${columns.toSpliced(place, 1).join(' ')}`,
    JSON.stringify(['unknown', ...values.toSpliced(place, 1)]),
  ].join('\n');
  const [decoded] = decodeTasks(theirs);
  expect(decoded?.task).toEqual({ ...tasks[0], title: null });
  expect(decodeTasks(`${header}\n${decoded?.row}`)[0]?.task).toEqual(decoded?.task);
});

it('carries what a direct run decided; a release before leaves it out, and its queue has the task', () => {
  const [task = aTask()] = tasks;
  const born = endDirectly(startDirectly(task, 1), '{"a":1}', 2);
  const text = encodeTasks([task], born);
  expect(decodeTasks(text)).toMatchObject([{ task, direct: pickDirect(born) }]);
  // Its columns are fewer; what it does not know is cut out of the row.
  const [, row = ''] = encodeTasks([task]).split('\n');
  const [before] = decodeTasks(text.replace(' direct:status', ' direct:a_later_column'));
  expect(before).toEqual({ task, row });
});

it('refuses a version that it does not know', () => {
  expect(() => decodeTasks('v9 id\n["x"]')).toThrow(/Unknown version/);
  const recording = { task: aTask(), verdict: { transition: 'complete', result: '1' } } as const;
  expect(decodeRecordings(encodeRecordings([recording]))).toEqual([recording]);
  expect(() => decodeRecordings('v9 []')).toThrow(/Unknown version/);
});

it('reads back acceptances', () => {
  const acceptances = ['accepted', 'duplicate', 'overloaded'] as const;
  expect(decodeAcceptances(encodeAcceptances(acceptances))).toEqual(acceptances);
});

it('is not read by a release before, where that would forget what holds a task', () => {
  expect(encodeTasks([aTask()])).toMatch(/^v1 /);
  for (const more of [{ limitKey: 'k' }, { uniqueKey: 'k' }]) {
    const text = encodeTasks([aTask(), aTask(more)]);
    expect(text).toMatch(/^v2 /);
    expect(decodeTasks(text)[1]?.task).toMatchObject({ sub_key: '' });
  }
});

import { expect, it } from 'vitest';
import {
  END,
  END_COLUMNS,
  FIRST_WRITTEN,
  RETRY,
  RETRY_AND_HOLD,
} from '../../src/store/record-sql.ts';

it('fences every end of an attempt on that attempt, and on its running', () => {
  for (const sql of [END, RETRY, RETRY_AND_HOLD]) {
    expect(sql).toContain('tasks.attempt = o.value ->> 2');
    expect(sql).toContain("tasks.status IN ('IN_PROGRESS')");
  }
});

it('finds each value at its place', () => {
  for (const [i, column] of END_COLUMNS.entries())
    expect(END).toMatch(
      new RegExp(`${column} = (coalesce\\()?o.value ->> ${FIRST_WRITTEN + i}\\b`),
    );
});

it('names no column of the index of the clock in the usual retry', () => {
  const sets = RETRY.slice(RETRY.indexOf('SET'), RETRY.indexOf('FROM o'));
  expect(sets).not.toMatch(/wake_at|held|queue/);
});

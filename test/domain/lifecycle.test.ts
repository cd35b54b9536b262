import { expect, it } from 'vitest';
import { allows, COMMANDS, isRepeatable, lifecycle } from '../../src/domain/lifecycle.ts';
import { isFinal, STATUSES, type Status } from '../../src/domain/words.ts';

it('leads to no other status from a final one, but by a retry, and never from COMPLETED', () => {
  const { retry, ...others } = lifecycle;
  for (const { from, to } of Object.values(others))
    if (to !== null) expect(from.filter(isFinal)).toEqual([]);
  expect(retry.from).not.toContain('COMPLETED');
});

it('allows a command in the statuses that it may leave, and repeats it where nothing is left to do', () => {
  for (const name of COMMANDS)
    for (const status of STATUSES) {
      expect(allows(name, status)).toBe(
        (lifecycle[name].from as readonly Status[]).includes(status),
      );
      if (isRepeatable(name, status)) expect(allows(name, status)).toBe(false);
    }
  expect(isRepeatable('cancel', 'CANCELLED')).toBe(true);
  expect(isRepeatable('retry', 'PENDING')).toBe(false);
  expect(allows('delete', 'IN_PROGRESS')).toBe(false);
});

it('ends an attempt, however it ends, from the same status: one statement records a mixed group', () => {
  expect([lifecycle.fail.from, lifecycle.reschedule.from]).toEqual([
    lifecycle.complete.from,
    lifecycle.complete.from,
  ]);
});

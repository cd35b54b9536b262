import { v7 as uuidv7 } from 'uuid';
import { expect, it } from 'vitest';
import { toUuidFloor } from '../../src/store/uuid.ts';

it.each([0, 1, 1_700_000_000_000, 2 ** 48 - 1])(
  'is at or below every id of its moment: %d',
  (ms) => {
    const floor = toUuidFloor(ms);
    expect(floor).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7000-8000-0{12}$/);
    expect(floor <= uuidv7({ msecs: ms })).toBe(true);
    if (ms > 0) expect(uuidv7({ msecs: ms - 1 }) < floor).toBe(true);
  },
);

it('takes moments that no id can have as the nearest that one can', () => {
  expect(toUuidFloor(-5)).toBe(toUuidFloor(0));
  expect(toUuidFloor(2 ** 60)).toBe(toUuidFloor(2 ** 48 - 1));
});

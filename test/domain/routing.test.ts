import { expect, it } from 'vitest';
import { QUEUES, toQueueName } from '../../src/domain/routing.ts';
import { PRIORITIES } from '../../src/domain/words.ts';

it('reaches each queue by one lane and priority', () => {
  const reached = (['default', 'external'] as const).flatMap((lane) =>
    PRIORITIES.map((priority) => toQueueName(lane, priority)),
  );
  expect(reached).toEqual([...QUEUES]);
});

import { expect, it } from 'vitest';
import { MESSAGE_VERSION } from '../../src/domain/task.ts';
import { parseMessages } from '../../src/engine/parse-messages.ts';

const parse = (bodies: unknown[]) => {
  const acked: number[] = [];
  const messages = bodies.map((body, i) => ({ body, ack: () => void acked.push(i) }));
  const groups = parseMessages(messages as never).map((group) =>
    group.map((message) => bodies.indexOf(message.body)),
  );
  return { groups, acked };
};
const v = MESSAGE_VERSION;

it('claims shared messages together, and each isolated one by itself', () => {
  const { groups } = parse([
    { v, owner: 'o', ids: ['1'] },
    { v, owner: 'o', ids: ['2'], isolated: true },
    { v, owner: 'o', ids: ['3', '4'] },
  ]);
  expect(groups).toEqual([[0, 2], [1]]);
});

it('keeps a group within a thousand tasks', () => {
  const ids = Array.from({ length: 400 }, (_, i) => String(i));
  const bodies = [1, 2, 3].map(() => ({ v, owner: 'o', ids }));
  expect(parse(bodies).groups).toEqual([[0, 1], [2]]);
});

it('takes a message of the release before the version', () => {
  expect(parse([{ owner: 'o', ids: ['1'] }]).groups).toEqual([[0]]);
});

it.each([null, 'x', {}, { v: v + 1, owner: 'o', ids: ['1'] }, { v, owner: 'o', ids: [1] }])(
  'acks what is no message of this version: %j',
  (body) => {
    expect(parse([body])).toEqual({ groups: [], acked: [0] });
  },
);

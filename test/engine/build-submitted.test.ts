import { expect, it } from 'vitest';
import type { AppError } from '../../src/domain/errors.ts';
import type { SubmitRequest } from '../../src/domain/submit-request.ts';
import { buildSubmittedTask } from '../../src/engine/build-submitted.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { executorDeps } from '../support/deps.ts';

const NOW = 1_900_000_000_000;
const caller = {
  owner: 'local',
  requestId: 'r',
  ownHost: 'tasker.example.com',
  taskTypes: null,
  fields: { type: 'type', params: 'params' },
};
const build = (more: Partial<SubmitRequest> = {}, key: string | null = null, canSign = true) =>
  buildSubmittedTask(
    { type: 'sum', params: { a: 1, b: 2 }, priority: 'HIGH', ...more },
    caller,
    key,
    {
      catalog,
      outgoingRules: { allowedHosts: [] },
      secrets: executorDeps.dependencies.secrets,
      hasSearchIndex: true,
      canSign,
      now: () => NOW,
    },
  );
const refusal = (more: Partial<SubmitRequest>, canSign = true): Promise<AppError> =>
  build(more, null, canSign).then(
    () => Promise.reject(new Error('It was not refused')),
    (error: AppError) => error,
  );

it('has the defaults of its type, and the queue of its lane and priority', async () => {
  expect(await build()).toMatchObject({
    owner: 'local',
    type: 'sum',
    alias: null,
    queue: 'default-high',
    status: 'PENDING',
    submitted_at: NOW,
    request_id: 'r',
    fingerprint: null,
  });
});

it('fingerprints the body where there is a key: the same for the same, whatever the order', async () => {
  const [first, same, other] = await Promise.all([
    build({ params: { a: 1, b: 2 } }, 'k'),
    build({ params: { b: 2, a: 1 } }, 'k'),
    build({ params: { a: 1, b: 3 } }, 'k'),
  ]);
  expect(same.fingerprint).toBe(first.fingerprint);
  expect(other.fingerprint).not.toBe(first.fingerprint);
});

it('is scheduled by a delay or a time; a time that is past means now', async () => {
  expect((await build({ delay_seconds: 2 })).scheduled_at).toBe(NOW + 2_000);
  expect((await build({ scheduled_at: new Date(NOW - 1).toISOString() })).scheduled_at).toBeNull();
});

it.each([
  [{ type: 'nothing' }, 'unknown_type', 'type'],
  [{ params: { a: 'x', b: 2 } }, 'invalid_request', 'params.a'],
  [
    { delay_seconds: 1, scheduled_at: new Date(NOW).toISOString() },
    'invalid_request',
    'scheduled_at',
  ],
  [{ scheduled_at: '2099-01-01T00:00:00Z' }, 'invalid_request', 'scheduled_at'],
  [{ callback_url: 'https://tasker.example.com/x' }, 'invalid_request', 'callback_url'],
])('refuses %j by the name of its field', async (more, code, path) => {
  const error = await refusal(more);
  expect(error.code).toBe(code);
  expect(error.errors?.map((each) => each.path)).toContain(path);
});

it('refuses callbacks where nothing could sign them', async () => {
  const error = await refusal({ callback_url: 'https://example.com/x' }, false);
  expect(error.code).toBe('callbacks_not_configured');
});

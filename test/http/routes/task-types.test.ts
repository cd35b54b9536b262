import { expect, it } from 'vitest';
import { builtInHandlers } from '../../../src/handlers/catalog.ts';
import { call } from '../../support/client.ts';

it('lists every type', async () => {
  const { task_types } = await (
    await call('/task-types')
  ).json<{ task_types: { type: string }[] }>();
  expect(task_types.map(({ type }) => type)).toEqual(builtInHandlers.map(({ type }) => type));
});

it('shows one, also by its alias', async () => {
  const weather = await (await call('/task-types/weather')).json();
  expect(weather).toMatchObject({
    type: 'weather',
    lane: 'external',
    retry: { max_attempts: 3 },
    timeout_seconds: 15,
    cache_ttl_seconds: 3_600,
    reuse_seconds: 600,
    needs: ['OPENWEATHER_API_KEY'],
    configured: false,
    params: { type: 'object', required: ['city'], additionalProperties: false },
    example: { city: 'Lisbon', units: 'metric' },
  });
  expect(await (await call('/task-types/sum_two_numbers')).json()).toMatchObject({
    type: 'sum',
    configured: true,
  });
});

it('does not know others', async () => {
  const response = await call('/task-types/bogus');
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ code: 'type_not_found' });
});

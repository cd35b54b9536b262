import { afterEach, expect, it, vi } from 'vitest';
import { createLogger, type LogFields } from '../src/log.ts';

afterEach(() => vi.restoreAllMocks());

it.each([true, false])('prints nothing that is not on the list (JSON: %s)', (json) => {
  const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
  const log = createLogger({
    level: 'info',
    json,
    fields: { app: 'tasker', secret: 'canary' } as LogFields,
  });
  log
    .with({ task_id: 'an id', params: 'canary' } as LogFields)
    .info('event', { attempt: 1, token: 'canary' } as LogFields);
  log.debug('not at this level');
  expect(printed).toHaveBeenCalledTimes(1);
  const line = String(printed.mock.calls[0]?.[0]);
  expect(line).toContain('an id');
  expect(line).not.toMatch(/canary|secret|params|token/);
});

import * as z from 'zod';
import { compileSchema, type CheckValue } from '../domain/json-schema.ts';
import { parseDefinition, toRunKind, type RegisteredType } from '../domain/registered-type.ts';
import type { Lane } from '../domain/words.ts';
import { GiveUp } from '../domain/errors.ts';
import { defineHandler, type Handler } from './handler.ts';
import type { OutsideRun } from './outside-run.ts';

const LANES = {
  endpoint: 'external',
  worker: 'worker',
  manual: 'manual',
} as const satisfies Record<string, Lane>;
/** A person may take a year. */
const MANUAL_TIMEOUT_SECONDS = 31_536_000;
const TIMEOUT_SECONDS = 30;

/** A value that a registered schema checks, as zod has it. */
const toZod = (check: CheckValue) =>
  z
    .custom<Record<string, unknown>>(() => true)
    .superRefine((value, context) => {
      for (const { path, message } of check(value))
        context.addIssue({ code: 'custom', path, message });
    });

/** A registered type as the engine and the routes know types: no difference to a built-in one. */
export const toHandler = (row: RegisteredType): Handler => {
  const definition = parseDefinition(row);
  const kind = toRunKind(definition);
  const checkParams = compileSchema(definition.params ?? true);
  const checkResult = definition.result === undefined ? null : compileSchema(definition.result);
  const { max_attempts, base_seconds, max_seconds, reuse_seconds, cache_ttl_seconds } = definition;
  const seconds =
    definition.timeout_seconds ?? (kind === 'manual' ? MANUAL_TIMEOUT_SECONDS : TIMEOUT_SECONDS);
  const outside: OutsideRun = {
    kind,
    url: 'endpoint' in definition.run ? definition.run.endpoint.url : null,
    row,
    checksResults: checkResult !== null,
    findResultProblem: (value) => checkResult?.(value)[0]?.message ?? null,
  };
  return {
    ...defineHandler({
      type: row.name,
      description: definition.description,
      lane: LANES[kind],
      params: toZod(checkParams),
      example: definition.example ?? {},
      retry: {
        ...(max_attempts !== undefined && { maxAttempts: max_attempts }),
        ...(base_seconds !== undefined && { baseSeconds: base_seconds }),
        ...(max_seconds !== undefined && { maxSeconds: max_seconds }),
      },
      timeoutMs: seconds * 1_000,
      ...(reuse_seconds !== undefined && reuse_seconds > 0 && { reuseSeconds: reuse_seconds }),
      ...(cache_ttl_seconds !== undefined && { cacheTtlSeconds: cache_ttl_seconds }),
      ...(definition.limit !== undefined && { limit: definition.limit }),
      // An endpoint is called by the executor; workers and people come by themselves.
      run: () => {
        throw new GiveUp(`Tasks of "${row.name}" are not run here`, 'not_run_here');
      },
    }),
    schema: definition.params ?? { type: 'object' },
    outside,
  };
};

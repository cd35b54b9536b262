import * as z from 'zod';
import { singleText } from '../../domain/filter-schema.ts';
import {
  isOwnerName,
  parseScopes,
  parseTaskTypes,
  SCOPES,
  type ApiKey,
} from '../../domain/api-key.ts';
import { saidText } from '../../domain/said-text.ts';
import { RATES } from '../../domain/rates.ts';
import { time, timeOrNull, toIso, toIsoOrNull, typeName, whole } from '../fields.ts';

const keySchema = z
  .strictObject({
    id: z.uuid(),
    owner: z.string(),
    name: z.string(),
    prefix: z.string().meta({ description: 'Its first characters' }),
    scopes: z.array(z.enum(SCOPES)),
    created_at: time,
    expires_at: timeOrNull,
    revoked_at: timeOrNull,
    last_used_at: timeOrNull.meta({ description: 'To within a minute' }),
    task_types: z
      .array(z.string())
      .nullable()
      .meta({ description: 'The types that it may run; null: any' }),
    writes_per_minute: whole
      .nullable()
      .meta({ description: 'Fewer than everybody may make; null: as many' }),
  })
  .meta({ id: 'ApiKey' });
export const keyListSchema = z.strictObject({ keys: z.array(keySchema) });
export const madeKeySchema = z.strictObject({
  key: z.string().meta({ description: 'Shown this once' }),
  ...keySchema.shape,
});

/** A new key, or one in the place of another. */
export const keyRequest = z
  .strictObject({
    owner: z
      .string()
      .refine(isOwnerName, 'An owner has 1 to 100 letters, digits and . _ @ : -')
      .optional(),
    name: saidText(100).optional(),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).optional(),
    expires_in_days: z.number().gt(0).max(3_650).optional(),
    task_types: z
      .array(typeName)
      .min(1)
      .max(100)
      .nullish()
      .meta({ description: 'The types that it may run; null: any' }),
    writes_per_minute: z.int().min(1).max(RATES.writes.limit).nullish(),
    replaces: z
      .uuid()
      .optional()
      .meta({ description: 'The id of a key that this one takes the place of' }),
    grace_seconds: whole
      .max(2_592_000)
      .default(86_400)
      .meta({ description: 'How long the replaced key goes on' }),
  })
  .superRefine(({ owner, name, scopes, replaces }, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (replaces !== undefined && owner !== undefined)
      refuse('owner', 'A key that replaces another one has its owner');
    if (replaces !== undefined) return;
    if (name === undefined) refuse('name', 'Give it a name to tell it by');
    if (scopes === undefined) refuse('scopes', `Say what it may do: ${SCOPES.join(', ')}`);
  });

export const toKeyView = ({ id, owner, name, prefix, created_at, ...key }: ApiKey) => ({
  id,
  owner,
  name,
  prefix,
  scopes: parseScopes(key),
  created_at: toIso(created_at),
  expires_at: toIsoOrNull(key.expires_at),
  revoked_at: toIsoOrNull(key.revoked_at),
  last_used_at: toIsoOrNull(key.last_used_at),
  task_types: parseTaskTypes(key),
  writes_per_minute: key.writes_per_minute,
});

/** What a revoked key has left that goes on by itself. */
export const plantedSchema = z.strictObject({
  schedules: z.array(z.string()),
  types: z.array(z.string()),
});

export const revokeQuery = z.strictObject({
  pause_planted: singleText()
    .pipe(z.enum(['true', 'false']))
    .optional(),
});

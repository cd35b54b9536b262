import type { keysTable } from '../schema/keys.ts';
import { AppError } from './errors.ts';
import { sha256 } from './hash.ts';

/**
 * The scopes of a key. `types:write` registers types, `schedules:write` creates schedules, which
 * submit tasks, `limits:write` changes limits, `work` is what a worker needs; `admin` may do
 * everything within its owner; `operator` everything, for all owners.
 */
export const SCOPES = [
  'tasks:read',
  'tasks:write',
  'types:write',
  'schedules:write',
  'limits:write',
  'work',
  'metrics:read',
  'admin',
  'operator',
] as const;
export type Scope = (typeof SCOPES)[number];

/** What an admin may do, and let others of the same owner do. */
const OF_ADMIN: readonly Scope[] = [
  'tasks:read',
  'tasks:write',
  'types:write',
  'schedules:write',
  'limits:write',
  'work',
  'admin',
];

/**
 * A key as stored: of the key itself only a hash and its first characters. Times are integer
 * milliseconds.
 */
export type ApiKey = typeof keysTable.$inferSelect;

/** The owner of whatever this machine does without a key. */
export const LOCAL_OWNER = 'local';

/** Nobody: the owner of what is left of those that were erased. */
export const ERASED_OWNER = 'erased';

const OWNER = /^[\w.@:-]{1,100}$/;

/**
 * Whether it may name an owner, the tenant for whom a key speaks: not what every object has, such
 * as `__proto__` and `constructor`, and not what a path cannot say.
 */
export const isOwnerName = (name: string): boolean =>
  OWNER.test(name) && !(name in {}) && !/^\.{1,2}$/.test(name) && name !== ERASED_OWNER;

/**
 * The key that a caller came in with; `keyId` null: no key was made yet, and the caller is on this
 * machine.
 */
export interface KeyRef {
  keyId: string | null;
  /** Milliseconds; null: never. */
  expiresAt: number | null;
}

/** For whom a request speaks, and what it may do. */
export interface Identity extends KeyRef {
  owner: string;
  /** The key's name; null without a key. */
  keyName: string | null;
  scopes: readonly Scope[];
  /** The types that it may run; null: any. */
  taskTypes: readonly string[] | null;
  /** Writes a minute, where it may make fewer than everybody. */
  writesPerMinute: number | null;
  /** The one task that it may read; null: all of the owner. */
  taskId: string | null;
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BODY_CHARS = 43;
const CHECKSUM_CHARS = 6;
const SHAPE = new RegExp(`^tk_([0-9A-Za-z]{${BODY_CHARS}})([0-9A-Za-z]{${CHECKSUM_CHARS}})$`);
/** Shown of a key: enough to recognize it, far too little to guess it. */
const PREFIX_CHARS = 11;

const toBase62 = (value: bigint, chars: number): string => {
  let text = '';
  for (let rest = value; text.length < chars; rest /= 62n)
    text = `${DIGITS[Number(rest % 62n)]}${text}`;
  return text;
};

/** CRC-32 (ISO 3309), bit by bit: keys are short. */
const crc32 = (text: string): number => {
  let crc = 0xffff_ffff;
  for (const char of text) {
    crc ^= char.charCodeAt(0);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
};

const computeChecksum = (body: string): string => toBase62(BigInt(crc32(body)), CHECKSUM_CHARS);

/**
 * A new key: `tk_`, 32 random bytes in base 62, and a checksum that tells a mistyped key without a
 * look at the database.
 */
export const generateApiKey = (): { key: string; prefix: string } => {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const body = toBase62(
    bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n),
    BODY_CHARS,
  );
  const key = `tk_${body}${computeChecksum(body)}`;
  return { key, prefix: key.slice(0, PREFIX_CHARS) };
};

/**
 * Whether it is shaped like a key and its checksum is right. Says nothing of whether such a key
 * exists.
 */
export const isWellFormedKey = (text: string): boolean => {
  const [, body, checksum] = SHAPE.exec(text) ?? [];
  return body !== undefined && computeChecksum(body) === checksum;
};

/** The hash that is stored in the place of a key. */
export const hashApiKey = (key: string): Promise<string> => sha256(key);

/** Whether a key may be used at `now` (ms). */
export const isUsable = (
  { expires_at, revoked_at }: Pick<ApiKey, 'expires_at' | 'revoked_at'>,
  now: number,
): boolean => revoked_at === null && (expires_at === null || now < expires_at);

export const hasScope = (scopes: readonly Scope[], needed: Scope): boolean =>
  scopes.includes(needed) ||
  scopes.includes('operator') ||
  (scopes.includes('admin') && OF_ADMIN.includes(needed));

/** The first of `wanted` that somebody with these scopes may not give to a key; undefined: none. */
export const findForbiddenScope = (
  scopes: readonly Scope[],
  wanted: readonly Scope[],
): Scope | undefined => wanted.find((each) => !hasScope(scopes, each));

export const parseScopes = ({ scopes }: Pick<ApiKey, 'scopes'>): Scope[] =>
  JSON.parse(scopes) as Scope[];

export const parseTaskTypes = ({ task_types }: Pick<ApiKey, 'task_types'>): string[] | null =>
  task_types === null ? null : (JSON.parse(task_types) as string[]);

/** 403 for a type that the caller's key may not run. */
export const assertTypeAllowed = (taskTypes: readonly string[] | null, type: string): void => {
  if (taskTypes === null || taskTypes.includes(type)) return;
  const message = `This key may not run \`${type}\`, only: ${taskTypes.join(', ')}`;
  throw new AppError('type_not_allowed', message);
};

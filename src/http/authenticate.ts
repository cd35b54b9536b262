import {
  isUsable,
  LOCAL_OWNER,
  parseScopes,
  parseTaskTypes,
  SCOPES,
  type ApiKey,
  type Identity,
} from '../domain/api-key.ts';
import { AppError } from '../domain/errors.ts';
import { isTaskToken, verifyTaskToken } from '../domain/task-token.ts';
import type { AppContext } from './context.ts';
import { isFromThisMachine } from './local-access.ts';
import { orUnavailable } from './read-task.ts';
import { readSessionId } from './session.ts';
import { findTicket } from './ticket.ts';

/** The tenant of a machine on which no key was made. */
const LOCAL: Identity = {
  owner: LOCAL_OWNER,
  scopes: SCOPES,
  keyId: null,
  keyName: null,
  expiresAt: null,
  taskTypes: null,
  writesPerMinute: null,
  taskId: null,
};

/** What a ticket or a token gives: to read, and nothing else. */
const READER = { ...LOCAL, scopes: ['tasks:read'] } as const satisfies Identity;

const HOW =
  'Send "Authorization: Bearer tk_…". A key is made on the operator\'s machine: npm run keys -- create';

const refuseKey = (
  code: 'key_missing' | 'key_invalid' | 'key_expired' | 'key_revoked',
  message: string,
): AppError =>
  new AppError(code, `${message}. ${HOW}`, {
    headers: { 'WWW-Authenticate': 'Bearer realm="tasker"' },
  });

/** One text for all: whether an owner exists is not for everybody to know. */
const refuseTicket = (): AppError =>
  new AppError(
    'ticket_invalid',
    'The ticket is unknown, used, older than 30 s, or for another stream: ' +
      'POST /events/ticket makes one',
  );

/**
 * Whether this service is open to this request: only as a development build, on the machine that
 * runs it, while there is no key. An unreadable table counts as closed. `wrangler deploy` drops the
 * branch: NODE_ENV is compiled in.
 */
const isOpenTo = async (c: AppContext): Promise<boolean> => {
  if (process.env.NODE_ENV === 'development') {
    const { settings, apiKeyCache } = c.get('services');
    if (settings.AUTH === 'required' || !isFromThisMachine(c.req.raw)) return false;
    return apiKeyCache.isEmpty().catch(() => false);
  }
  return false;
};

const parseBearer = (c: AppContext): string | null => {
  const header = c.req.header('Authorization');
  if (header === undefined) return null;
  return /^Bearer +(\S+)$/i.exec(header)?.[1] ?? '';
};

/**
 * The runtime takes a socket from any page: only our own, and those that are named, may open one.
 */
export const assertOrigin = (c: AppContext): void => {
  const origin = c.req.header('Origin');
  const { CORS_ORIGINS } = c.get('services').settings;
  if (origin === undefined || origin === new URL(c.req.url).origin) return;
  if (CORS_ORIGINS.includes(origin)) return;
  throw new AppError(
    'origin_not_allowed',
    'Pages of this origin may not open streams; CORS_ORIGINS names those that may',
  );
};

const STREAM = /^\/(tasks\/[^/]+\/)?events\/?$/;

/**
 * The identity behind a ticket, which only an upgrade brings; null without one. It opens the stream
 * that it was made for.
 */
const redeemTicket = async (c: AppContext): Promise<Identity | null> => {
  if (!STREAM.test(c.req.path)) return null;
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') return null;
  const ticket = await findTicket(c.req.header('Sec-WebSocket-Protocol'));
  if (!ticket) return null;
  assertOrigin(c);
  // Asking a board makes it: only those of owners that there are.
  const { keys, apiKeyCache, boards } = c.get('services');
  const isKnown = await orUnavailable(
    c,
    async () =>
      (await keys.hasOwner(ticket.owner)) ||
      (ticket.owner === LOCAL.owner && (await apiKeyCache.isEmpty())),
  );
  if (!isKnown) throw refuseTicket();
  const stream = c.req.param('id')?.toLowerCase() ?? '*';
  const redeemed = await orUnavailable(c, () =>
    boards.redeemTicket(ticket.owner, stream, ticket.hash),
  );
  if (redeemed) return { ...READER, owner: ticket.owner, ...redeemed };
  throw refuseTicket();
};

/** The caller's address, as the platform tells it. */
export const readAddress = (c: AppContext): string => c.req.header('CF-Connecting-IP') ?? '';

/** 401 unless the key may be used now. */
const assertUsable = (key: ApiKey | null, now: number): ApiKey => {
  if (!key) throw refuseKey('key_invalid', 'There is no such API key');
  if (key.revoked_at !== null) throw refuseKey('key_revoked', 'This API key was revoked');
  if (!isUsable(key, now)) throw refuseKey('key_expired', 'This API key has expired');
  return key;
};

/** The identity behind a token, whose key must still be good. */
const redeemToken = async (c: AppContext, text: string): Promise<Identity> => {
  const { settings, keys, now } = c.get('services');
  const { ROOT_SECRET: root } = settings;
  const token = root === undefined ? null : await verifyTaskToken(root, text, now());
  if (!token) throw refuseKey('key_invalid', 'The token is unknown or has expired');
  const { owner, taskId, keyId, expiresAt } = token;
  if (keyId !== null) {
    const key = await orUnavailable(c, () => keys.get(keyId));
    assertUsable(key, now());
  } else if (!(await isOpenTo(c))) throw refuseKey('key_invalid', 'The token has expired');
  return { ...READER, owner, taskId, keyId, expiresAt };
};

const toIdentity = (key: ApiKey): Identity => ({
  owner: key.owner,
  scopes: parseScopes(key),
  keyId: key.id,
  keyName: key.name,
  expiresAt: key.expires_at,
  taskTypes: parseTaskTypes(key),
  writesPerMinute: key.writes_per_minute,
  taskId: null,
});

/** The key with which somebody signed in. */
const findBySession = async (c: AppContext, id: string): Promise<ApiKey> => {
  const { apiKeyCache, now } = c.get('services');
  const key = await orUnavailable(c, () => apiKeyCache.findBySession(id, readAddress(c)));
  if (!key) throw refuseKey('key_expired', 'You are signed out: sign in again');
  return assertUsable(key, now());
};

/** The identity behind the request's key; 401 when there is none that may be used. */
export const authenticate = async (c: AppContext): Promise<Identity> => {
  const key = parseBearer(c);
  if (key === null) {
    const sessionId = readSessionId(c);
    if (sessionId !== null) return toIdentity(await findBySession(c, sessionId));
    const byTicket = await redeemTicket(c);
    if (byTicket) return byTicket;
    if (await isOpenTo(c)) return LOCAL;
    throw refuseKey('key_missing', 'This needs an API key');
  }
  if (isTaskToken(key)) return redeemToken(c, key);
  const { apiKeyCache, now } = c.get('services');
  const found = await orUnavailable(c, () => apiKeyCache.find(key, readAddress(c)));
  return toIdentity(assertUsable(found, now()));
};

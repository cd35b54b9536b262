import { deriveSecret } from './derived-secret.ts';

// A token for a browser: it reads one task, until it expires or its key ends. Signed, not stored.

const TOKEN = /^tt_([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/;

/** What a token says. Times are ms. */
export interface TaskToken {
  owner: string;
  taskId: string;
  /** The key that it was made with; null: this machine, without keys. */
  keyId: string | null;
  expiresAt: number;
}

const encode = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const decode = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
    char.charCodeAt(0),
  );

const importKey = async (root: string): Promise<CryptoKey> =>
  crypto.subtle.importKey(
    'raw',
    Uint8Array.from(await deriveSecret(root, 'task-token')),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign', 'verify'],
  );

/** Signs a token with the service's own key. */
export const signTaskToken = async (
  root: string,
  { owner, taskId, keyId, expiresAt }: TaskToken,
): Promise<string> => {
  const payload = encode(
    new TextEncoder().encode(JSON.stringify([owner, taskId, keyId, expiresAt])),
  );
  const signature = await crypto.subtle.sign(
    'HMAC',
    await importKey(root),
    new TextEncoder().encode(payload),
  );
  return `tt_${payload}.${encode(new Uint8Array(signature))}`;
};

/** Whether a bearer looks like a token at all, rather than like a key. */
export const isTaskToken = (text: string): boolean => text.startsWith('tt_');

/** What a token says; null when it was not signed here, or has expired at `now` (ms). */
export const verifyTaskToken = async (
  root: string,
  text: string,
  now: number,
): Promise<TaskToken | null> => {
  const [, payload = '', signature = ''] = TOKEN.exec(text) ?? [];
  if (payload === '') return null;
  const isSigned = await crypto.subtle.verify(
    'HMAC',
    await importKey(root),
    decode(signature),
    new TextEncoder().encode(payload),
  );
  if (!isSigned) return null;
  const [owner, taskId, keyId, expiresAt] = JSON.parse(
    new TextDecoder().decode(decode(payload)),
  ) as [string, string, string | null, number];
  return now < expiresAt ? { owner, taskId, keyId, expiresAt } : null;
};

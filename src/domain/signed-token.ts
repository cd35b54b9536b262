import { deriveSecret } from './derived-secret.ts';

// Tokens that are signed, not stored: a prefix, a JSON list in base64url, a dot, an HMAC.

const encoder = new TextEncoder();

const encode = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const decode = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
    char.charCodeAt(0),
  );

const PARTS = /^([A-Za-z0-9_-]{1,2000})\.([A-Za-z0-9_-]{43})$/;

/**
 * Signs and reads tokens of one kind.
 * @param label what its key is derived with from the service's root secret
 */
export const createTokens = (prefix: string, label: string) => {
  // A key is derived once for each root secret, of which a service has one.
  let known: { root: string; key: Promise<CryptoKey> } | undefined;
  const findKey = (root: string): Promise<CryptoKey> => {
    if (known?.root === root) return known.key;
    const key = deriveSecret(root, label).then((bytes) =>
      crypto.subtle.importKey(
        'raw',
        Uint8Array.from(bytes),
        { name: 'HMAC', hash: 'SHA-256' },
        false,
        ['sign', 'verify'],
      ),
    );
    known = { root, key };
    return key;
  };
  return {
    /** Whether a bearer looks like such a token at all. */
    matches: (text: string): boolean => text.startsWith(prefix),

    async sign(root: string, values: readonly unknown[]): Promise<string> {
      const payload = encode(encoder.encode(JSON.stringify(values)));
      const signature = await crypto.subtle.sign(
        'HMAC',
        await findKey(root),
        encoder.encode(payload),
      );
      return `${prefix}${payload}.${encode(new Uint8Array(signature))}`;
    },

    /** The values; null when it was not signed here. */
    async read(root: string, text: string): Promise<unknown[] | null> {
      const [, payload = '', signature = ''] = PARTS.exec(text.slice(prefix.length)) ?? [];
      if (payload === '' || !text.startsWith(prefix)) return null;
      const isSigned = await crypto.subtle.verify(
        'HMAC',
        await findKey(root),
        decode(signature),
        encoder.encode(payload),
      );
      return isSigned ? (JSON.parse(new TextDecoder().decode(decode(payload))) as unknown[]) : null;
    },
  };
};

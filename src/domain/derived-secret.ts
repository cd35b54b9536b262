// Every secret of the service is derived from one root secret, each by its own label: who knows one
// learns nothing of the others (HKDF, https://www.rfc-editor.org/rfc/rfc5869).

const SECRET_BYTES = 32;

/** 32 bytes that only the holder of the root secret can derive for this label. */
export const deriveSecret = async (root: string, label: string): Promise<Uint8Array> => {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', encoder.encode(root), 'HKDF', false, [
    'deriveBits',
  ]);
  const how = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: encoder.encode(`tasker ${label}`),
  };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, SECRET_BYTES * 8));
};

const toWebhookSecret = (bytes: Uint8Array): string =>
  `whsec_${btoa(String.fromCharCode(...bytes))}`;

/**
 * The secret that the requests of a registered type are signed with. By when it was made: who
 * registers the name anew has another.
 */
export const deriveTypeSecret = async (
  root: string,
  { owner, name, created_at }: { owner: string; name: string; created_at: number },
  version: number,
): Promise<string> =>
  toWebhookSecret(await deriveSecret(root, `type:${version}:${created_at}:${name}:${owner}`));

/** The secret that an owner's callbacks are signed with, in the form of Standard Webhooks. */
export const deriveWebhookSecret = async (
  root: string,
  owner: string,
  version: number,
): Promise<string> => {
  return toWebhookSecret(await deriveSecret(root, `webhook:${version}:${owner}`));
};

import canonicalize from 'canonicalize';

/** SHA-256 of a value's one canonical text (RFC 8785), however it was written; 64 hexadecimal digits. */
export const hashOf = async (value: unknown): Promise<string> => {
  const bytes = new TextEncoder().encode(canonicalize(value));
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
};

import canonicalize from 'canonicalize';

/** One text for all ways of writing the same parameters (RFC 8785), hashed with the type; 64 hexadecimal digits. */
export const reuseKey = async (type: string, params: unknown): Promise<string> => {
  const bytes = new TextEncoder().encode(`${type}\n${canonicalize(params)}`);
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
};

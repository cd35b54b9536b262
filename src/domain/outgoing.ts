/**
 * The rules for URLs that a caller gives and Tasker calls: one place, for callbacks and whatever
 * comes after them.
 */

export interface OutgoingRules {
  /** Hosts, with or without a port, to which everything is allowed: for development alone. */
  allowedHosts: readonly string[];
  /** The service's own host names: it must not be made to call itself. */
  ownHosts?: readonly string[];
}

const MAX_URL_CHARS = 2_048;
/**
 * Names that never belong to the public internet (RFC 6761, RFC 6762, RFC 8375, RFC 9476), and a
 * cloud's inner ones.
 */
const PRIVATE_NAME =
  /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa|test|invalid|onion|alt)$/;

/**
 * Why `text` must not be called, in words for the caller; null when it may be. The URL parser has
 * already turned every notation of an address (octal, hexadecimal, a single number, full-width
 * digits) into its plain form.
 */
export const findUrlProblem = (
  text: string,
  { allowedHosts, ownHosts = [] }: OutgoingRules,
): string | null => {
  if (text.length > MAX_URL_CHARS) return `A URL may have at most ${MAX_URL_CHARS} characters`;
  const url = URL.parse(text);
  if (!url) return 'Not a URL';
  const { protocol, hostname, host, port } = url;
  if (url.username !== '' || url.password !== '')
    return 'A URL must not carry a user name or password';
  if (
    (protocol === 'https:' || protocol === 'http:') &&
    [host, hostname].some((name) => allowedHosts.includes(name))
  )
    return null;
  if (protocol !== 'https:') return 'Only https URLs are called';
  if (port !== '') return 'Only port 443 is called';
  if (hostname.startsWith('[') || /^[\d.]+$/.test(hostname))
    return 'Only host names are called, not addresses';
  if (hostname.endsWith('.')) return 'A host name must not end with a dot';
  if (hostname.split('.').includes('')) return `"${hostname}" is not a host name`;
  if (!hostname.includes('.') || PRIVATE_NAME.test(hostname))
    return `"${hostname}" is not a public host name`;
  if (ownHosts.includes(hostname)) return 'The service does not call itself';
  return null;
};

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
const splitNames = (text: string): string[] => text.trim().split(/\s+/);

/**
 * Last parts of names that never belong to the public internet: reserved ones (RFC 6761, RFC 6762,
 * RFC 8375, RFC 9476), and those by which clouds, clusters and offices name what is within.
 */
const PRIVATE_NAMES = splitNames(`
  alt corp home home.arpa internal intra intranet invalid lan local localdomain localhost mail
  onion priv private test cluster consul containers docker k8s kube kubernetes mesh namespace
  node nomad pod rancher service swarm svc vagrant vault vm dhcp domain fritz.box gateway host
  modem nas office router server workgroup ts.net in-addr.arpa ip6.arpa arpa
`);
/** Public names whose every subdomain is an address that stands in it, or this very machine. */
const ADDRESS_NAMES = splitNames(`
  nip.io sslip.io xip.io backname.io ipq.co ip.wtf traefik.me ipv6.name localtest.me lvh.me
  vcap.me lacolhost.com local.gd yoogle.com localho.st zzz.re 1u.ms rbndr.us nip.sh
`);

const isWithin = (name: string, domain: string): boolean =>
  name === domain || name.endsWith(`.${domain}`);

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
  const isPrivate = [...PRIVATE_NAMES, ...ADDRESS_NAMES].some((each) => isWithin(hostname, each));
  if (!hostname.includes('.') || isPrivate) return `"${hostname}" is not a public host name`;
  if (ownHosts.includes(hostname)) return 'The service does not call itself';
  return null;
};

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];
/** Headers that a proxy adds: then the caller is not on this machine. */
const FORWARDED = [
  'CDN-Loop',
  'CF-Ray',
  'Client-IP',
  'Fastly-Client-IP',
  'Forwarded',
  'MF-Original-URL',
  'True-Client-IP',
  'Via',
  'X-Client-IP',
  'X-Cluster-Client-IP',
  'X-Envoy-External-Address',
  'X-Originating-IP',
  'X-Real-IP',
  'X-Remote-IP',
];

/** A host with any port, as the `Host` header has it. */
const readHostname = (host: string | null): string => host?.replace(/:\d+$/, '') ?? '';

/**
 * Whether the browser, if it is one, is on a page of this very service. `null`, as sandboxed pages
 * send it, is not.
 */
const isOwnPage = ({ headers, url }: Request): boolean => {
  const origin = headers.get('Origin');
  const site = headers.get('Sec-Fetch-Site');
  return (
    (origin === null || origin === new URL(url).origin) &&
    (site === null || site === 'same-origin' || site === 'none')
  );
};

/**
 * Whether a request comes from the machine that it is served on, as far as this can be known: by
 * its URL, its `Host`, its address, and the absence of everything that a proxy or a foreign page
 * would add.
 */
export const isFromThisMachine = (request: Request): boolean => {
  const { headers, url } = request;
  const isForwarded =
    FORWARDED.some((name) => headers.has(name)) ||
    [...headers.keys()].some((name) => name.startsWith('x-forwarded-'));
  return (
    LOOPBACK_HOSTS.includes(new URL(url).hostname) &&
    LOOPBACK_HOSTS.includes(readHostname(headers.get('Host'))) &&
    LOOPBACK_ADDRESSES.includes(headers.get('CF-Connecting-IP') ?? '') &&
    !isForwarded &&
    isOwnPage(request)
  );
};

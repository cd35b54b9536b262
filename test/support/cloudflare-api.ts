import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What was asked of the stand-in. */
export interface ApiCall {
  method: string;
  /** After the account's. */
  path: string;
  query: string;
  contentType: string;
  body: Buffer;
}

const ACCOUNT = 'a'.repeat(32);
const DATABASE = { uuid: '00000000-0000-4000-8000-000000000001', name: 'tasker' };

type Answer = [status: number, body: unknown, more?: object];
const refuse = (status: number, code: number, message: string): Answer => [
  status,
  { errors: [{ code, message }] },
];

/** The routes that a deploy asks for; an account that has nothing yet. */
const answerRoute = (method: string, path: string, query: URLSearchParams): Answer => {
  const route = `${method} ${path}`;
  const pages = {
    result_info: { page: 1, per_page: 100, count: 1, total_count: 1, total_pages: 1 },
  };
  const name = query.get('name');
  const queue = {
    queue_id: `id-${name}`,
    queue_name: name,
    producers: [],
    consumers: [],
    settings: {},
  };
  if (route === 'GET /queues') return [200, name === null ? [] : [queue], pages];
  if (route === 'GET /d1/database') return [200, [], pages];
  if (/^(?:POST|GET) \/d1\/database(?:\/[\w-]+)?$/.test(route)) return [200, DATABASE];
  if (path.endsWith('/query')) return [200, [{ success: true, results: [], meta: {} }]];
  if (route === 'GET /r2/buckets') return [200, { buckets: [] }];
  if (path.endsWith('/secrets')) return [200, []];
  if (path.endsWith('/settings')) return [200, { bindings: [] }];
  if (path.endsWith('/deployments')) return [200, { deployments: [] }];
  if (path.startsWith('/workers/workers/'))
    return [
      200,
      { id: 'w', name: 'tasker', subdomain: { enabled: true, previews_enabled: false } },
    ];
  if (path.endsWith('subdomain')) return [200, { subdomain: 'acme', enabled: true }];
  if (path.endsWith('assets-upload-session')) return [200, { jwt: 'none', buckets: [] }];
  if (route.startsWith('GET /workflows/')) return refuse(404, 10_200, 'workflow.not_found');
  if (route.startsWith('GET /workers/services/')) return refuse(404, 10_090, 'not found');
  if (/^PUT \/workers\/scripts\/[\w-]+$/.test(route))
    return [200, { id: 'tasker', etag: 'e', deployment_id: 'd', startup_time_ms: 5 }];
  return [200, {}];
};

/**
 * A stand-in for the vendor's API, as far as wrangler asks it during a deploy: nothing of it can be
 * had without an account. It remembers what it was asked.
 * @param refusals answers of other kinds, by method and path
 */
export const startCloudflareApi = async (
  refusals: Record<string, [status: number, code: number, message: string]> = {},
  accounts: string[] = [ACCOUNT],
) => {
  const calls: ApiCall[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname, search, searchParams } = new URL(request.url ?? '', 'http://stand-in');
    const path = pathname.replace(/^\/client\/v4/, '').replace(/^\/accounts\/[0-9a-f]{32}/, '');
    const method = request.method ?? '';
    const contentType = request.headers['content-type'] ?? '';
    calls.push({ method, path, query: search, contentType, body: Buffer.concat(chunks) });
    const list = accounts.map((id) => ({ id, name: `Account ${id.slice(0, 2)}` }));
    const pages = { result_info: { page: 1, total_pages: 1, count: 1, total_count: 1 } };
    const refusal = refusals[`${method} ${path}`];
    const [status, result, more = {}]: Answer =
      refusal !== undefined
        ? refuse(...refusal)
        : path === '/memberships'
          ? [200, list.map((account) => ({ id: account.id, account })), pages]
          : pathname.endsWith('/accounts')
            ? [200, list, pages]
            : path === '/user'
              ? [200, { id: 'u', email: 'someone@example.com' }]
              : path === '/user/tokens/verify'
                ? [200, { id: 't', status: 'active' }]
                : answerRoute(method, path, searchParams);
    response.writeHead(status, { 'Content-Type': 'application/json' });
    const isOk = status < 400;
    const body = isOk ? { result, errors: [] } : { result: null, ...(result as object) };
    response.end(JSON.stringify({ success: isOk, messages: [], ...body, ...more }));
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    calls,
    env: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
      CLOUDFLARE_API_TOKEN: 'of-the-stand-in',
      WRANGLER_SEND_METRICS: 'false',
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
};

import { AsyncLocalStorage } from 'node:async_hooks';
import { env } from 'cloudflare:workers';
import worker, { Dispatcher, Metrics, StatusBoard } from '../../src/index.ts';

// What production allows one invocation: a request, a batch of a queue, a call to an object. The
// local simulation counts none of it.

/** https://developers.cloudflare.com/workers/platform/limits/ */
export const INVOCATION_LIMITS = {
  subrequests: 10_000,
  queries: 1_000,
  cacheCalls: 1_000,
  logBytes: 256_000,
  /** To anything outside; what is asked beyond waits for one of them. */
  open: 6,
  /** Of the arguments of a call to an object. */
  rpcBytes: 33_554_432,
} as const;

/** What one invocation has asked for so far. */
export interface Invocation {
  name: string;
  subrequests: number;
  queries: number;
  cacheCalls: number;
  logBytes: number;
  /** Not yet fired or cleared, by the stack that set them: they keep an object awake. */
  timers: Map<unknown, string>;
  open: number;
  waiting: (() => void)[];
}

const current = new AsyncLocalStorage<Invocation>();
const seen = new Set<(invocation: Invocation) => void>();
type Method = (this: unknown, ...of: unknown[]) => unknown;

/** Runs work as one invocation. */
export const runInvocation = <Result>(name: string, work: () => Result): Result => {
  const zero = { subrequests: 0, queries: 0, cacheCalls: 0, logBytes: 0, open: 0 };
  const invocation: Invocation = { name, ...zero, timers: new Map(), waiting: [] };
  for (const tell of seen) tell(invocation);
  return current.run(invocation, work);
};

/** All invocations that begin from now on; they go on counting. */
export const observeInvocations = (): { invocations: Invocation[]; stop(): void } => {
  const invocations: Invocation[] = [];
  const tell = (invocation: Invocation) => void invocations.push(invocation);
  seen.add(tell);
  return { invocations, stop: () => void seen.delete(tell) };
};

const count = (
  part: 'queries' | 'cacheCalls' | 'subrequests' | 'logBytes',
  by: number,
  text: string,
): void => {
  const invocation = current.getStore();
  if (!invocation) return;
  invocation[part] += by;
  if (invocation[part] > INVOCATION_LIMITS[part]) throw new Error(text);
};

const TOO_MANY_SUBREQUESTS = 'Too many subrequests by single Worker invocation.';
const TOO_MANY_QUERIES = 'D1_ERROR: Too many API requests by single Worker invocation.';

/** Replaces methods of a prototype; `around` gets the real one, bound to its object. */
const wrap = (
  target: object,
  names: readonly string[],
  around: (name: string, real: () => unknown, of: unknown[]) => unknown,
): void => {
  for (const name of names) {
    const real = Reflect.get(target, name) as Method;
    Reflect.set(target, name, function (this: unknown, ...of: unknown[]) {
      return around(name, () => Reflect.apply(real, this, of), of);
    });
  }
};

/** Waits for one of six places, as the platform has a seventh connection wait. */
const holdOpen = async (work: () => unknown): Promise<unknown> => {
  const invocation = current.getStore();
  if (!invocation) return work();
  if (invocation.open >= INVOCATION_LIMITS.open)
    await new Promise<void>((resolve) => invocation.waiting.push(resolve));
  else invocation.open += 1;
  try {
    return await work();
  } finally {
    const next = invocation.waiting.shift();
    if (next) next();
    else invocation.open -= 1;
  }
};

const asSubrequest = (work: () => unknown): Promise<unknown> => {
  count('subrequests', 1, TOO_MANY_SUBREQUESTS);
  return holdOpen(work);
};

const countCalls = (): void => {
  const statement = Object.getPrototypeOf(env.DB.prepare('SELECT 1')) as object;
  const asQuery = async (work: () => unknown, queries: number): Promise<unknown> => {
    count('queries', queries, TOO_MANY_QUERIES);
    return asSubrequest(work);
  };
  wrap(statement, ['all', 'first', 'raw', 'run'], (_, real) => asQuery(real, 1));
  wrap(Object.getPrototypeOf(env.DB) as object, ['batch'], (_, real, [statements]) =>
    asQuery(real, (statements as unknown[]).length),
  );
  wrap(
    Object.getPrototypeOf(env.QUEUE_DEFAULT_HIGH) as object,
    ['send', 'sendBatch'],
    async (_, real) => asSubrequest(real),
  );
  wrap(
    Object.getPrototypeOf(caches.default) as object,
    ['match', 'put', 'delete'],
    async (_, real) => {
      count('cacheCalls', 1, 'Too many Cache API calls by single Worker invocation.');
      return holdOpen(real);
    },
  );
  wrap(
    Object.getPrototypeOf(env.FILES) as object,
    ['head', 'get', 'put', 'delete', 'list'],
    (...of) => asSubrequest(of[1]),
  );
  wrap(globalThis, ['fetch'], async (_, real) => asSubrequest(real));
};

const countLogs = (): void => {
  const methods = ['debug', 'info', 'log', 'warn', 'error'];
  wrap(console, methods, (_, real, of) => {
    count('logBytes', of.join(' ').length, 'Log output of the invocation is cut at 256 KB.');
    return real();
  });
};

const countTimers = (): void => {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const owners = new Map<unknown, Invocation>();
  const forget = (id: unknown): void => {
    owners.get(id)?.timers.delete(id);
    owners.delete(id);
  };
  globalThis.setTimeout = ((work: (...of: unknown[]) => void, ms?: number, ...of: unknown[]) => {
    const id: unknown = set(
      (...given: unknown[]) => {
        forget(id);
        work(...given);
      },
      ms,
      ...of,
    );
    const invocation = current.getStore();
    if (invocation) {
      owners.set(id, invocation);
      invocation.timers.set(id, String(new Error(`${ms} ms`).stack));
    }
    return id;
  }) as typeof setTimeout;
  globalThis.clearTimeout = ((id: number | null) => {
    forget(id);
    clear(id);
  }) as typeof clearTimeout;
};

const countBytes = (value: unknown): number => {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + countBytes(one), 0);
  return 8;
};

/** Each call of an object's own methods is an invocation of it. */
const wrapObject = (name: string, prototype: object): void => {
  const own = Object.getOwnPropertyNames(prototype).filter((method) => method !== 'constructor');
  wrap(prototype, own, (method, real, of) => {
    if (countBytes(of) > INVOCATION_LIMITS.rpcBytes)
      throw new Error('Serialized RPC arguments or return values are limited to 32MiB.');
    return runInvocation(`${name}.${method}`, real);
  });
};

/** Counts what each invocation of the Worker and of its objects asks for, and holds it to it. */
export const installInvocations = (): void => {
  countCalls();
  countLogs();
  countTimers();
  wrap(worker, ['fetch', 'queue', 'scheduled'], (name, real) => runInvocation(name, real));
  for (const [name, type] of Object.entries({ Dispatcher, StatusBoard, Metrics })) {
    const base = Object.getPrototypeOf(type.prototype) as object;
    wrapObject(name, name === 'Metrics' ? type.prototype : base);
  }
};

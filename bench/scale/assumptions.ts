/** What the simulated platform is like; times in ms. */
export interface Assumptions {
  /** Of a statement, to the database and back. */
  databaseWayMs: number;
  /** Of the database's one thread: a statement, and a row that it writes. */
  statementMs: number;
  rowMs: number;
  /** How often (a database and hour) it stands still, and for how long. */
  stallsAnHour: number;
  stallMs: number;
  /** Of a call to an object, and how many an object takes a second. */
  objectWayMs: number;
  objectCallsASecond: number;
  sendBatchMs: number;
  /** From the send to the consumer, at least and at most. */
  deliveryMs: readonly [number, number];
  /** Messages a second that one queue takes. */
  messagesASecond: number;
  /** Messages of one batch, as in wrangler.toml, and how long one is waited for. */
  batchSize: number;
  /** Consumers of a queue at once, at most. */
  consumers: number;
  /** Of the caller, to the Worker and back. */
  callerWayMs: number;
  /** A turn of the event loop, for which `wait(0)` waits. */
  turnMs: number;
  databaseBytes: number;
  rowBytes: number;
}

/** The vendor's platform, as documented, reported, or guessed. */
export const PRODUCTION: Assumptions = {
  databaseWayMs: 15,
  statementMs: 1,
  rowMs: 0.02,
  stallsAnHour: 0,
  stallMs: 0,
  objectWayMs: 5,
  objectCallsASecond: 750,
  sendBatchMs: 60,
  deliveryMs: [100, 400],
  messagesASecond: 5_000,
  batchSize: 10,
  consumers: 250,
  callerWayMs: 30,
  turnMs: 0.2,
  databaseBytes: 10e9,
  rowBytes: 446,
};

/** Where each comes from: the table of docs/performance.md. */
export const SOURCES: readonly (readonly [what: string, value: string, source: string])[] = [
  [
    'D1: one thread a database',
    '1 ms a statement, 0.02 ms a row written',
    '[limits](https://developers.cloudflare.com/d1/platform/limits/): "processes queries one at a time"; "1ms … approximately 1,000 queries per second". The row is ours, measured locally',
  ],
  ['D1: way', '15 ms a statement', 'estimate; reports say 10 to 50 near, 200 far away'],
  [
    'D1: size',
    '10 GB',
    '[limits](https://developers.cloudflare.com/d1/platform/limits/): "cannot be further increased"; a plain task is 446 bytes with its indexes, measured',
  ],
  [
    'D1: stalls',
    'with --stalls: one of 60 s an hour and database',
    '[a report](https://github.com/ColeMurray/background-agents/issues/561): "completely unresponsive for 60–80 seconds", three in 48 h',
  ],
  [
    'objects',
    '750 calls/s each, 5 ms of way',
    '[limits](https://developers.cloudflare.com/durable-objects/platform/limits/): "soft limit of 1,000 requests per second"; [rules](https://developers.cloudflare.com/durable-objects/best-practices/rules-of-durable-objects/): 500–750 with some work',
  ],
  [
    'queues: send',
    '60 ms',
    '[blog](https://blog.cloudflare.com/how-we-built-cloudflare-queues/): "from ~200ms to ~60ms"',
  ],
  ['queues: delivery', '100 to 400 ms', 'estimate'],
  [
    'queues: messages',
    '5 000/s a queue, batches of 10',
    '[limits](https://developers.cloudflare.com/queues/platform/limits/); wrangler.toml',
  ],
  [
    'queues: consumers',
    'one more after a batch while more than one batch waits for each; 250 at most',
    '[concurrency](https://developers.cloudflare.com/queues/configuration/consumer-concurrency/): "after processing a batch"; how many more is a guess',
  ],
  ['caller', '30 ms of way', 'estimate'],
];

/** List prices, dollars a million; see docs/performance.md. */
export const PRICES = {
  row: 1,
  rowRead: 0.001,
  queueOperation: 0.4,
  objectCall: 0.15,
  request: 0.3,
  cpuMs: 0.02,
} as const;

/** What the local runtime does: its delays, and what comes out of them. */
export interface LocalFigures {
  assumed: Assumptions;
  latency_p50_ms: number;
  submits_per_second: number;
}

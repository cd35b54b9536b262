import { env } from 'cloudflare:workers';

// Production's limits, where the local simulation is kinder. Installed for all tests in workerd;
// each throws production's own text. What workerd's own SQLite enforces already (parameters, terms
// of a compound SELECT, patterns of LIKE) is not repeated here, but tested
// beside the rest.

/** https://developers.cloudflare.com/d1/platform/limits/ */
export const D1_LIMITS = {
  sqlBytes: 100_000,
  functionArguments: 32,
  /** Of a value, and of a row. */
  valueBytes: 2_000_000,
  /** Of all rows of an answer; half of what production has, for its figure is a memory's. */
  resultBytes: 25_000_000,
} as const;

/** https://developers.cloudflare.com/queues/platform/limits/ */
export const QUEUE_LIMITS = {
  messageBytes: 128_000,
  /** The platform's own, in every message. */
  metadataBytes: 100,
  batchMessages: 100,
  batchBytes: 256_000,
  delaySeconds: 86_400,
} as const;

/** https://developers.cloudflare.com/workflows/reference/limits/ */
export const WORKFLOW_LIMITS = {
  batch: 100,
  idChars: 100,
  payloadBytes: 1_048_576,
} as const;

const encoder = new TextEncoder();
const bytesOf = (text: string): number =>
  // Only where the exact number matters is it counted.
  text.length * 3 <= D1_LIMITS.sqlBytes ? text.length : encoder.encode(text).byteLength;

const sizeOf = (value: unknown): number => {
  if (typeof value === 'string') return bytesOf(value);
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  return 8;
};

const tooBig = (): Error => new Error('D1_ERROR: string or blob too big: SQLITE_TOOBIG');

/** An answer's rows, each as an object or as a list. */
const checkResult = (rows: readonly object[]): void => {
  let total = 0;
  for (const row of rows) {
    let bytes = 0;
    for (const value of Object.values(row)) bytes += sizeOf(value);
    if (bytes > D1_LIMITS.valueBytes) throw tooBig();
    total += bytes;
  }
  if (total > D1_LIMITS.resultBytes)
    throw new Error('D1_ERROR: D1 DB exceeded its memory limit and was reset.');
};

/** The most arguments of any call in a statement, such as `json_object(…)`. */
const countArguments = (sql: string): number => {
  let most = 0;
  const open: { isCall: boolean; commas: number }[] = [];
  for (const [token] of sql.matchAll(/'(?:[^']|'')*'|"[^"]*"|\w\(|[(),]/g)) {
    const inner = open.at(-1);
    if (token.endsWith('(')) open.push({ isCall: token.length > 1, commas: 0 });
    else if (token === ',' && inner) inner.commas += 1;
    else if (token === ')' && open.pop()?.isCall) most = Math.max(most, (inner?.commas ?? 0) + 1);
  }
  return most;
};

const strictenDatabase = (): void => {
  const database = Object.getPrototypeOf(env.DB) as D1Database;
  const statement = Object.getPrototypeOf(env.DB.prepare('SELECT 1')) as D1PreparedStatement;
  const { prepare, batch } = database;
  const { bind, all, first, raw, run } = statement;
  database.prepare = function (sql) {
    if (bytesOf(sql) > D1_LIMITS.sqlBytes)
      throw new Error('D1_ERROR: statement too long: SQLITE_TOOBIG');
    if (countArguments(sql) > D1_LIMITS.functionArguments)
      throw new Error('D1_ERROR: too many arguments on function: SQLITE_ERROR');
    return prepare.call(this, sql);
  };
  statement.bind = function (...values) {
    if (values.some((value) => sizeOf(value) > D1_LIMITS.valueBytes)) throw tooBig();
    return bind.apply(this, values);
  };
  const checked = (method: typeof all) =>
    async function (this: D1PreparedStatement) {
      const result = await method.call(this);
      checkResult(result.results as object[]);
      return result;
    };
  statement.all = checked(all) as typeof all;
  statement.run = checked(run) as typeof run;
  statement.raw = async function (this: D1PreparedStatement, ...options: unknown[]) {
    const rows = await raw.apply(this, options as []);
    checkResult(rows as object[]);
    return rows;
  } as typeof raw;
  statement.first = async function (this: D1PreparedStatement, ...column: unknown[]) {
    const row: unknown = await first.apply(this, column as []);
    checkResult(typeof row === 'object' && row !== null ? [row] : [[row]]);
    return row;
  };
  database.batch = async function (statements) {
    const results = await batch.call(this, statements);
    for (const { results: rows } of results) checkResult(rows as object[]);
    return results as never;
  };
};

const checkDelay = (seconds = 0): void => {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > QUEUE_LIMITS.delaySeconds)
    throw new Error(`Queue send failed: delay_seconds ${seconds} is not a whole number of a day`);
};

const strictenQueues = (): void => {
  const queue = Object.getPrototypeOf(env.QUEUE_DEFAULT_HIGH) as Queue;
  const { send, sendBatch } = queue;
  const measure = (body: unknown): number => {
    const bytes = encoder.encode(JSON.stringify(body)).byteLength + QUEUE_LIMITS.metadataBytes;
    if (bytes > QUEUE_LIMITS.messageBytes)
      throw new Error('Queue send failed: message length of more than 128000 bytes');
    return bytes;
  };
  queue.send = async function (body, options) {
    measure(body);
    checkDelay(options?.delaySeconds);
    return send.call(this, body, options);
  };
  queue.sendBatch = async function (messages, options) {
    const list = [...messages];
    if (list.length > QUEUE_LIMITS.batchMessages)
      throw new Error('Queue sendBatch failed: more than 100 messages');
    const bytes = list.reduce((sum, { body }) => sum + measure(body), 0);
    if (bytes > QUEUE_LIMITS.batchBytes)
      throw new Error('Queue sendBatch failed: batch of more than 256000 bytes');
    for (const { delaySeconds } of list) checkDelay(delaySeconds ?? options?.delaySeconds);
    return sendBatch.call(this, list, options);
  };
};

const strictenWorkflows = (): void => {
  const workflow = Object.getPrototypeOf(env.LONG_TASKS) as Workflow;
  const { createBatch } = workflow;
  workflow.createBatch = async function (
    this: Workflow,
    instances: WorkflowInstanceCreateOptions[],
  ) {
    if (instances.length > WORKFLOW_LIMITS.batch)
      throw new Error('WorkflowError: (instance.batch_too_large) at most 100 instances');
    for (const { id, params } of instances) {
      if (id === undefined || id.length > WORKFLOW_LIMITS.idChars)
        throw new Error('WorkflowError: (instance.invalid_id) Provided id is invalid');
      const text = JSON.stringify(params ?? null);
      if (encoder.encode(text).byteLength > WORKFLOW_LIMITS.payloadBytes)
        throw new Error('WorkflowError: (instance.params_too_large) more than 1 MiB');
    }
    return createBatch.call(this, instances);
  } as typeof createBatch;
};

/** https://developers.cloudflare.com/durable-objects/platform/limits/ */
export const STORAGE_LIMITS = { keys: 128, valueBytes: 2_097_152 } as const;

const strictStorages = new WeakSet<DurableObjectStorage>();
/** Makes the storage of all objects of a runtime as strict; asked with that of any one. */
export const strictenStorage = (any: DurableObjectStorage): void => {
  const storage = Object.getPrototypeOf(any) as DurableObjectStorage;
  if (strictStorages.has(storage)) return;
  strictStorages.add(storage);
  const { put } = storage;
  const check = (entries: object): void => {
    if (Object.keys(entries).length > STORAGE_LIMITS.keys)
      throw new RangeError('Maximum number of pairs is 128.');
    for (const value of Object.values(entries))
      if (sizeOf(value) > STORAGE_LIMITS.valueBytes)
        throw new RangeError('Values cannot be larger than 2097152 bytes.');
  };
  storage.put = async function (this: DurableObjectStorage, ...of: [unknown, ...unknown[]]) {
    check(typeof of[0] === 'string' ? { [of[0]]: of[1] } : (of[0] as object));
    return Reflect.apply(put, this, of) as Promise<void>;
  };
};

const INSTALLED = Symbol.for('tasker.strict-platform');

/** Makes the bindings as strict as production's; once for all files of a runtime. */
export const installStrictPlatform = (more: () => void): void => {
  const place = globalThis as { [INSTALLED]?: true };
  if (place[INSTALLED]) return;
  place[INSTALLED] = true;
  strictenDatabase();
  strictenQueues();
  strictenWorkflows();
  more();
};

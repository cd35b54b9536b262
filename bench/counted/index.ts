import worker, {
  Dispatcher as PlainDispatcher,
  Figures,
  LongTask,
  Metrics as PlainMeter,
  StatusBoard as PlainBoard,
} from '../../src/index.ts';

import type { DeliveryKey } from '../../src/domain/delivery.ts';
import type { TaskMessage } from '../../src/domain/task.ts';

// The Worker with its bindings wrapped, so that what a task costs can be counted: D1 rows, queue
// operations, calls to objects. Only for counting; speed is measured without it.

const counts = {
  d1_statements: 0,
  d1_rows_read: 0,
  d1_rows_written: 0,
  queue_sends: 0,
  queue_messages: 0,
  queue_batches: 0,
  dispatcher_calls: 0,
  board_calls: 0,
  meter_calls: 0,
};
type Counted = keyof typeof counts;

const note = ({ meta }: D1Result): void => {
  counts.d1_statements += 1;
  counts.d1_rows_read += meta.rows_read;
  counts.d1_rows_written += meta.rows_written;
};

const countedStatement = (statement: D1PreparedStatement): D1PreparedStatement =>
  new Proxy(statement, {
    get: (target, name) => {
      if (name === 'bind')
        return (...values: unknown[]) => countedStatement(target.bind(...values));
      if (name === 'all' || name === 'run' || name === 'first' || name === 'raw')
        return async (column?: string) => {
          const result = await target.all();
          note(result);
          if (name === 'raw') return result.results.map((each) => Object.values(each));
          if (name !== 'first') return result;
          const row = result.results[0] ?? null;
          return column === undefined ? row : (row?.[column] ?? null);
        };
      return name === 'raw statement' ? target : Reflect.get(target, name, target);
    },
  });

const countedDatabase = (database: D1Database): D1Database =>
  new Proxy(database, {
    get: (target, name) => {
      if (name === 'prepare') return (sql: string) => countedStatement(target.prepare(sql));
      if (name === 'batch')
        return async (statements: Record<string, D1PreparedStatement>[]) => {
          const results = await target.batch(
            statements.map((each) => each['raw statement'] as D1PreparedStatement),
          );
          results.forEach(note);
          return results;
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

const countedQueue = (queue: Queue): Queue =>
  new Proxy(queue, {
    get: (target, name) => {
      if (name !== 'sendBatch')
        return (Reflect.get(target, name, target) as () => unknown).bind(target);
      return (messages: Iterable<MessageSendRequest>) => {
        const all = [...messages];
        counts.queue_sends += 1;
        counts.queue_messages += all.length;
        return target.sendBatch(all);
      };
    },
  });

const countedObjects = <Namespace extends DurableObjectNamespace>(
  namespace: Namespace,
  name: Counted,
): Namespace =>
  new Proxy(namespace, {
    get: (target, method) => {
      if (method !== 'getByName')
        return (Reflect.get(target, method, target) as () => unknown).bind(target);
      return (...of: Parameters<DurableObjectNamespace['getByName']>) =>
        new Proxy(target.getByName(...of), {
          get: (stub, call) => {
            const value = Reflect.get(stub, call, stub) as unknown;
            if (typeof value !== 'function') return value;
            return (...args: unknown[]) => {
              counts[name] += 1;
              // Called on the stub itself: a method taken from it would be asked for by `apply`.
              return (stub as unknown as Record<PropertyKey, (...all: unknown[]) => unknown>)[
                call
              ]?.(...args);
            };
          },
        });
    },
  });

const wrapped = new WeakMap<object, Env>();
const counted = (env: Env): Env => {
  const known = wrapped.get(env);
  if (known) return known;
  const queues = Object.fromEntries(
    Object.entries(env)
      .filter(([name]) => name.startsWith('QUEUE_'))
      .map(([name, queue]) => [name, countedQueue(queue as Queue)]),
  );
  const made = {
    ...env,
    ...queues,
    DB: countedDatabase(env.DB),
    DISPATCHER: countedObjects(env.DISPATCHER, 'dispatcher_calls'),
    BOARD: countedObjects(env.BOARD, 'board_calls'),
    METRICS: countedObjects(env.METRICS, 'meter_calls'),
  };
  wrapped.set(env, made);
  return made;
};

export default {
  fetch: (request, env, context) => {
    if (new URL(request.url).pathname === '/counts') return Response.json(counts);
    return worker.fetch(request, counted(env), context);
  },
  queue: (batch, env) => {
    counts.queue_batches += 1;
    return worker.queue(batch, counted(env));
  },
} satisfies ExportedHandler<Env, TaskMessage | DeliveryKey>;

export class Dispatcher extends PlainDispatcher {
  constructor(state: DurableObjectState, env: Env) {
    super(state, counted(env));
  }
}
export class StatusBoard extends PlainBoard {
  constructor(state: DurableObjectState, env: Env) {
    super(state, counted(env));
  }
}
export class Metrics extends PlainMeter {}
export { Figures, LongTask };

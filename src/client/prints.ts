import type { WorkerLog } from './run-words.ts';

// What a handler prints by `console` inside a task goes to the log of its run as well, where the
// runtime can tell whose it is: Node, Bun and Deno.

const LEVELS = {
  debug: 'debug',
  log: 'info',
  info: 'info',
  warn: 'warn',
  error: 'error',
} as const;

interface Storage {
  run<Value>(store: WorkerLog | undefined, work: () => Value): Value;
  getStore(): WorkerLog | undefined;
}
interface AsyncHooks {
  AsyncLocalStorage: new () => Storage;
}

/** Undefined where there is no such module: in browsers. */
const loadStorage = (): Storage | undefined => {
  const { process } = globalThis as {
    process?: { getBuiltinModule?(name: string): AsyncHooks | undefined };
  };
  const hooks = process?.getBuiltinModule?.('node:async_hooks');
  return hooks && new hooks.AsyncLocalStorage();
};

const describe = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return value.stack ?? value.message;
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return 'a value that JSON cannot say';
  }
};

let storage: Storage | undefined;
let isPatched = false;

/** Lets every method of `console` tell the run in which it is called, besides printing. */
const patch = (): void => {
  isPatched = true;
  storage = loadStorage();
  if (!storage) return;
  for (const [method, level] of Object.entries(LEVELS)) {
    const name = method as keyof typeof LEVELS;
    const print = console[name].bind(console);
    console[name] = (...values: unknown[]) => {
      print(...values);
      storage?.getStore()?.[level](values.map(describe).join(' '));
    };
  }
};

/** Runs `work`, whose prints are no words of the task: errors of telling would tell themselves. */
export const withoutPrints = <Value>(work: () => Value): Value =>
  storage ? storage.run(undefined, work) : work();

/** Runs `work`, with what it prints going to this log too. */
export const withPrints = <Value>(log: WorkerLog, work: () => Value): Value => {
  if (!isPatched) patch();
  return storage ? storage.run(log, work) : work();
};

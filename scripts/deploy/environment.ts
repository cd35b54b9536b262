/** An environment's name becomes part of names in the account. */
const NAME = /^[a-z][a-z0-9-]{0,19}$/;

const NAMED =
  /^((?:name|queue|dead_letter_queue|database_name|bucket_name) = )"tasker(-[\w-]+)?"$/gm;

/**
 * The configuration of another environment of the same account, derived from the one that there is:
 * each thing that is called `tasker…` is called `tasker-<name>…`, and APP_ENV says which it is.
 * Throws for a name that cannot be part of another.
 */
export const deriveConfig = (toml: string, environment: string): string => {
  if (!NAME.test(environment))
    throw new Error(
      `--env takes small letters, digits and -, 20 at most, the first a letter; not "${environment}"`,
    );
  const renamed = toml.replaceAll(
    NAMED,
    (_, key: string, rest = '') => `${key}"tasker-${environment}${rest}"`,
  );
  return `${renamed}\n[vars]\nAPP_ENV = "${environment}"\n`;
};

const DATABASE = /^\[\[d1_databases\]\]\nbinding = "(DB(?:_\d+)?)"\n(?:.*\n)*?(?=\n|$)/gm;

/** The bindings of all databases of a configuration, the first one first. */
export const findDatabaseBindings = (toml: string): string[] =>
  [...toml.matchAll(DATABASE)].map(([, binding]) => String(binding));

/** The same configuration with `count` databases: those that are missing come behind the others. */
export const addDatabases = (toml: string, count: number): string => {
  const blocks = [...toml.matchAll(DATABASE)];
  const last = blocks.at(-1);
  if (!last) throw new Error('The configuration has no database');
  const name = /^database_name = "([\w-]+)"/m.exec(blocks[0]?.[0] ?? '')?.[1] ?? 'tasker';
  const added = Array.from({ length: Math.max(0, count - blocks.length) }, (_, i) => {
    const n = blocks.length + i;
    return `\n[[d1_databases]]\nbinding = "DB_${n}"\ndatabase_name = "${name}-${n}"\nmigrations_dir = "migrations"\n`;
  });
  const end = last.index + last[0].length;
  return toml.slice(0, end) + added.join('') + toml.slice(end);
};

/** What the account must have for a configuration. */
export const readResources = (toml: string) => {
  const findAll = (pattern: RegExp): string[] => [
    ...new Set([...toml.matchAll(pattern)].map(([, name]) => String(name))),
  ];
  return {
    worker: findAll(/^name = "(tasker[\w-]*)"/gm)[0] ?? 'tasker',
    queues: findAll(/^(?:queue|dead_letter_queue) = "([\w-]+)"/gm),
    databases: findAll(/^database_name = "([\w-]+)"/gm),
    buckets: findAll(/^bucket_name = "([\w-]+)"/gm),
  };
};

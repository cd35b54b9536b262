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

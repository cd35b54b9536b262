import { explainFailure } from './explain.ts';
import type { RunWrangler } from './run.ts';

/** Reads that fail where a deploy would, and cost nothing. */
const READS = [
  ['Queues', ['queues', 'list']],
  ['D1', ['d1', 'list', '--json']],
  ['R2', ['r2', 'bucket', 'list']],
] as const;

/** Places where a database and a bucket can live; an object knows more. */
const PLACES = ['weur', 'eeur', 'apac', 'oc', 'wnam', 'enam'];

/**
 * What stands in the way of a deploy, in words, before anything is made; empty where nothing does.
 * @param hint the value of LOCATION_HINT
 */
export const findObstacles = async (
  run: RunWrangler,
  hint: string | undefined,
): Promise<string[]> => {
  const account = await run(['whoami']);
  if (account.code !== 0 || /not (authenticated|logged in)/i.test(account.output))
    return [
      'Cloudflare does not know you yet. Run "npx wrangler login", or set CLOUDFLARE_API_TOKEN, and try again',
    ];
  const accounts = [...account.output.matchAll(/\b[0-9a-f]{32}\b/g)].map(([id]) => id);
  if (new Set(accounts).size > 1 && !process.env['CLOUDFLARE_ACCOUNT_ID'])
    return [
      `You have ${new Set(accounts).size} accounts. Set CLOUDFLARE_ACCOUNT_ID to the one that is to have Tasker:\n${account.output}`,
    ];
  const obstacles: string[] = [];
  for (const [what, args] of READS) {
    const { code, output } = await run(args);
    if (code !== 0) obstacles.push(`${what}: ${explainFailure(output) ?? output}`);
  }
  if (hint !== undefined && !findPlace(hint) && !['sam', 'afr', 'me'].includes(hint))
    obstacles.push(`There is no place "${hint}". LOCATION_HINT takes ${PLACES.join(', ')}`);
  return obstacles;
};

/** Where the database and the bucket are to live; undefined: near whoever deploys. */
export const findPlace = (hint: string | undefined): string | undefined =>
  PLACES.find((place) => place === hint);

const DASHBOARD = 'https://dash.cloudflare.com';

/** What the vendor says, and what to do about it. */
const CAUSES: readonly [RegExp, string][] = [
  [
    /\[code: 10042\]|enable R2/i,
    `R2 is not enabled in this account. Enable it once (${DASHBOARD}/?to=/:account/r2; 10 GB are free), and try again`,
  ],
  [
    /workers paid|paid plan|free plan|not (?:available|supported) on (?:the )?free|\[code: (?:100328|10195|11003)\]/i,
    `Tasker needs the Workers Paid plan ($5 a month): queues of the size it needs, minutes of CPU, large databases. See ${DASHBOARD}/?to=/:account/workers/plans`,
  ],
  [
    /more than one account|multiple accounts|CLOUDFLARE_ACCOUNT_ID/i,
    'You have several accounts. Set CLOUDFLARE_ACCOUNT_ID to the one that is to have Tasker ("npx wrangler whoami" lists them)',
  ],
  [
    /\[code: (?:9109|10000|9106|6003)\]|authentication error|unauthorized/i,
    'The token may not do this. It needs Edit for Workers Scripts, D1, Queues, Workers R2 Storage, and Read for Account Settings; or run "npx wrangler login"',
  ],
  [
    /invalid location|location hint|\[code: 7400\]/i,
    'The database cannot be placed there. LOCATION_HINT takes weur, eeur, apac, oc, wnam or enam for it',
  ],
  [
    /fetch failed|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|network/i,
    'Cloudflare does not answer: is this machine online, and is a proxy needed (HTTPS_PROXY)?',
  ],
];

/** In words what a failed command of wrangler means; null where only its own output tells. */
export const explainFailure = (output: string): string | null =>
  CAUSES.find(([pattern]) => pattern.test(output))?.[1] ?? null;

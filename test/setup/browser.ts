import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

/** Debian's, which .ci/run installs. */
const CHROMIUM = '/usr/bin/chromium';

/** Whether a real browser is here. In CI it must be. */
export const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) {
  const message = `There is no ${CHROMIUM}, so the tests of the pages CANNOT RUN (Debian: apt-get install chromium)`;
  if (process.env['CI'] === 'true') throw new Error(message);
  console.warn(`\n⚠  ${message}: SKIPPED\n`);
}

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  }); // prettier-ignore

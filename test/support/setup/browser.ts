import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { freePort, startService, temporaryState, type Service } from '../../../scripts/service.ts';

/** Debian's, which .ci/run installs. */
const CHROMIUM = '/usr/bin/chromium';

/** Whether a real browser is here. In CI it must be. */
export const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) {
  const message = `There is no ${CHROMIUM}, so the tests of the pages CANNOT RUN (Debian: apt-get install chromium)`;
  if (process.env['CI'] === 'true') throw new Error(message);
  console.warn(`\n⚠  ${message}: SKIPPED\n`);
}

const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** A service and a browser for the tests of a file; neither without Chromium. */
export const useBrowser = (): { service: Service; browser: Browser } => {
  const running = {} as { service: Service; browser: Browser };
  let state: string;
  beforeAll(async () => {
    if (!hasBrowser) return;
    state = await temporaryState();
    const starting = freePort().then((port) => startService(port, state));
    [running.service, running.browser] = await Promise.all([starting, launch()]);
  });
  afterAll(async () => {
    if (!hasBrowser) return;
    await Promise.all([running.service.kill(), running.browser.close()]);
    await rm(state, { recursive: true, force: true });
  });
  return running;
};

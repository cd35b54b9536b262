import { rm } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, startService, temporaryState, type Service } from '../../scripts/service.ts';
import { hasBrowser, launch } from '../setup/browser.ts';
import { openTab, VIEWS, type View } from '../setup/page.ts';

// The pages in a real browser: nothing in the console, nothing asked of anybody else.

let service: Service;
let state: string;
let browser: Browser;
beforeAll(async () => {
  if (!hasBrowser) return;
  state = await temporaryState();
  [service, browser] = await Promise.all([freePort().then((port) => startService(port, state)), launch()]);
});
afterAll(async () => {
  if (!hasBrowser) return;
  await Promise.all([service.kill(), browser.close()]);
  await rm(state, { recursive: true, force: true });
});

const open = async (path: string, view: View) => {
  const tab = await openTab(browser, view, service.url);
  await tab.page.goto(`${service.url}${path}`);
  return tab;
};

describe.skipIf(!hasBrowser).each(VIEWS)('at $name', (view) => {
  it('/docs shows every operation and tries one out', async () => {
    const { page, wrong } = await open('/docs', view);
    await page.getByText('Submit a task', { exact: true }).first().waitFor();
    await page.locator('#operations-Around_it-health').click();
    await page.getByRole('button', { name: 'Execute' }).click();
    await page.locator('.live-responses-table').getByText('"database": "ok"').waitFor();
    expect(wrong).toEqual([]);
  });

  it('/redoc can be read without a script, and fits the screen', async () => {
    const { page, wrong } = await open('/redoc', view);
    await page.getByRole('heading', { name: 'Tasker API' }).waitFor();
    await page.getByRole('link', { name: 'Cancel a task' }).first().click();
    expect(await page.locator('#cancelTask').isVisible()).toBe(true);
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true);
    expect(await page.locator('script').count()).toBe(0);
    expect(wrong).toEqual([]);
  });
}); // prettier-ignore

import { describe, expect, it } from 'vitest';
import { hasBrowser, useBrowser } from '../support/setup/browser.ts';
import { openTab, VIEWS, type View } from '../support/setup/page.ts';

// The pages in a real browser: nothing in the console, nothing asked of anybody else.

const running = useBrowser();

const open = async (path: string, view: View) => {
  const tab = await openTab(running.browser, view, running.service.url);
  await tab.page.goto(`${running.service.url}${path}`);
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
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(
      true,
    );
    expect(await page.locator('script').count()).toBe(0);
    expect(wrong).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { hasBrowser, useBrowser } from '../support/setup/browser.ts';
import { flaws, openTab, VIEWS, type View } from '../support/setup/page.ts';

// The pages in a real browser: nothing in the console, no request to another origin.

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
    await page.locator('#operations-Operations-health').click();
    await page.getByRole('button', { name: 'Execute' }).click();
    await page.locator('.live-responses-table').getByText('"database": "ok"').waitFor();
    expect(wrong).toEqual([]);
  });

  it('/redoc shows every operation, opens a body, finds by its search, and fits the screen', async () => {
    const { page, wrong } = await open('/redoc', view);
    await page.getByRole('heading', { name: 'Tasker (' }).waitFor();
    expect(await page.locator('[data-section-id^="tag/"] h2').count()).toBeGreaterThan(40);
    await page.locator('[id="tag/Tasks/operation/submitTask"]').scrollIntoViewIfNeeded();
    const search = page.locator('input[role="searchbox"], input[placeholder="Search..."]').first();
    if (await search.isVisible()) {
      await search.fill('cancel');
      await page.locator('[data-role="search:results"] li').first().waitFor();
    }
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(
      true,
    );
    expect(await flaws(page)).toEqual([]);
    expect(wrong).toEqual([]);
  });
});

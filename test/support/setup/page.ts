import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';

/** How a page is looked at. */
export const VIEWS = [
  { name: 'desktop, light', viewport: { width: 1_440, height: 900 }, colorScheme: 'light' },
  { name: 'phone, dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
] as const;
export type View = (typeof VIEWS)[number];

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * A tab in which nothing may go wrong: errors in the console, refusals of the policy, requests to other origins.
 */
export const openTab = async (
  browser: Browser,
  view: View,
  own: string,
): Promise<{ context: BrowserContext; page: Page; wrong: string[] }> => {
  const context = await browser.newContext(view);
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on(
    'console',
    (message) => message.type() === 'error' && wrong.push(`console: ${message.text()}`),
  );
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => void (wrong.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== own)
      wrong.push(`outside: ${request.url()}`);
  });
  return { context, page, wrong };
};

/**
 * What axe-core finds that is serious or critical, and whether the page is wider than the screen.
 */
export const flaws = async (page: Page): Promise<string[]> => {
  await page.evaluate(AXE);
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    violations: {
      id: string;
      impact: string;
      nodes: { target: string[]; failureSummary: string }[];
    }[];
  };
  const serious = found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ target, failureSummary }) => `${target.join(' ')} ${failureSummary}`)
          .join('; ')
          .slice(0, 300)}`,
    );
  const fits = await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');
  return [...serious, ...(fits === true ? [] : ['wider than the screen'])];
};

import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { chromium, type Browser } from 'playwright-core';
import { createTasker, type Tasker } from '../src/client/index.ts';
import { fail, readOptions } from './options.ts';
import { freePort, startService, temporaryState } from './service.ts';

const HELP = `npm run pictures -- [options]: takes the pictures that the README shows, of a service with made-up tasks

  --to <folder>     (default docs/pictures)
  --all             of every page, wide and narrow, light and dark
  --help            this text`;

const { to, all } = readOptions(HELP, {
  to: { type: 'string', default: 'docs/pictures' },
  all: { type: 'boolean', default: false },
});
const CHROMIUM = '/usr/bin/chromium';
if (!existsSync(CHROMIUM)) fail(`There is no ${CHROMIUM} (Debian: apt-get install chromium)`);

const VIEWS = [
  { name: 'wide', viewport: { width: 1_440, height: 900 } },
  { name: 'narrow', viewport: { width: 390, height: 844 } },
] as const;
const SCHEMES = ['light', 'dark'] as const;

/** Tasks as a small shop would have them. Returns one to be looked at closely. */
const fill = async (tasker: Tasker): Promise<string> => {
  const titles = ['Nightly totals', 'Import of orders', 'Price list', 'Welcome letter'];
  await tasker.submitMany(
    Array.from({ length: 120 }, (_, i) => ({
      type: 'sum',
      params: { a: i, b: 3 },
      title: titles[i % titles.length] ?? null,
      tags: ['nightly'],
    })),
  );
  for (const order of ['A-1042', 'A-1043', 'A-1044'])
    await tasker.submit({
      type: 'flaky',
      params: { failures: 9 },
      title: `Invoice ${order}`,
      max_attempts: 2,
    });
  for (let i = 0; i < 4; i += 1)
    await tasker.submit({
      type: 'simulate',
      params: { duration: 60 + i * 20 },
      title: 'Video, 1080p',
    });
  await tasker.submit({
    type: 'sum',
    params: { a: 1, b: 2 },
    title: 'Tomorrow’s report',
    delay_seconds: 50_000,
  });
  const closely = await tasker.submit({
    type: 'flaky',
    params: { failures: 1 },
    title: 'Import of orders',
    tags: ['nightly'],
  });
  await tasker.wait(closely.task_id);
  return closely.task_id;
};

const takePictures = async (
  browser: Browser,
  url: string,
  pages: Record<string, string>,
): Promise<void> => {
  for (const { name: width, viewport } of all ? VIEWS : VIEWS.slice(0, 1))
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({ viewport, colorScheme });
      const page = await context.newPage();
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(`${url}/#${path}`);
        await page.getByRole('status').getByText('Live').waitFor();
        await page.waitForTimeout(1_200);
        await page.screenshot({ path: `${to}/${name}-${width}-${colorScheme}.png` });
      }
      await context.close();
    }
};

const state = await temporaryState();
const service = await startService(await freePort(), state);
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  await mkdir(to, { recursive: true });
  const id = await fill(createTasker({ baseUrl: service.url }));
  // Figures come within a second.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await takePictures(browser, service.url, {
    overview: '/',
    task: `/tasks/${id}`,
    ...(all && {
      tasks: '/tasks',
      errors: '/errors',
      'new-task': '/new?type=sum',
      types: '/types',
      type: '/types/sum',
      queues: '/queues',
      queue: '/queues/default-medium',
      files: '/files',
      keys: '/keys',
      audit: '/audit',
    }),
  });
  console.log(`Pictures are in ${to}`);
} finally {
  await browser.close();
  await service.kill();
  await rm(state, { recursive: true, force: true });
}

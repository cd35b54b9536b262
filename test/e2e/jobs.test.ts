import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '../../scripts/tasker.ts';
import { hasBrowser, useBrowser } from '../support/setup/browser.ts';
import { openTab } from '../support/setup/page.ts';

// What people come to the page for, each in the steps that it may take: a step is a click, a text
// that is typed, or a page that is opened.

const running = useBrowser();
afterEach(async () => {
  for (const context of running.browser?.contexts() ?? []) await context.close();
});

const VIEWS = [
  { name: 'wide', viewport: { width: 1_440, height: 900 }, colorScheme: 'dark' },
  { name: 'phone', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
] as const;

interface Task {
  task_id: string;
  status: string;
}
const ask = <T>(method: string, path: string, json?: object): Promise<T> =>
  connect(running.service.url).request<T>(path, { method, json });
const submit = (type: string, params: object = {}, more: object = {}) =>
  ask<Task>('POST', '/tasks', { type, params, ...more });
const until = (isSo: () => Promise<boolean>) =>
  vi.waitUntil(isSo, { timeout: 20_000, interval: 100 });
const ended = (id: string) =>
  until(async () =>
    ['COMPLETED', 'FAILED'].includes((await ask<Task>('GET', `/tasks/${id}`)).status),
  );

/** A person at the page, whose steps are counted. */
const sit = async (view: (typeof VIEWS)[number]) => {
  const { page, wrong } = await openTab(running.browser, view as never, running.service.url);
  let steps = 0;
  const visible = (text: string | RegExp) => page.getByText(text).first().waitFor();
  const count = async (work: () => Promise<unknown>): Promise<void> => {
    steps += 1;
    await work();
  };
  return {
    page,
    visible,
    open: (path: string) =>
      count(async () => {
        await page.goto(`${running.service.url}/#${path}`);
        await page.getByRole('status').getByText('Live').waitFor();
      }),
    /** Presses a button or follows a link, the first of its name. */
    press: (role: 'button' | 'link' | 'row', name: string | RegExp) =>
      count(() => page.getByRole(role, { name }).first().click()),
    type: (label: string, text: string) =>
      count(async () => {
        const field = page.getByLabel(label, { exact: true }).first();
        await field.fill(text);
        await field.press('Enter');
      }),
    choose: (label: string, value: string) =>
      count(() => page.getByLabel(label, { exact: true }).selectOption(value)),
    assertSteps: (most: number) => {
      expect(wrong).toEqual([]);
      expect(steps).toBeLessThanOrEqual(most);
    },
  };
};

/** Figures come within a second or so. */
const counted = () =>
  until(async () => {
    const { groups } = await ask<{ groups: { key: string }[] }>('GET', '/stats?from=24h&by=type');
    return groups.some(({ key }) => key === 'flaky');
  });

describe.skipIf(!hasBrowser).each(VIEWS)('the ten jobs, $name', (view) => {
  beforeAll(async () => {
    const failing = await submit(
      'flaky',
      { failures: 1 },
      { max_attempts: 1, title: 'Night batch' },
    );
    await submit(
      'data_processing',
      { data: [{ order_id: `ORD-${view.name}-99` }] },
      { title: 'Of a customer' },
    );
    await ended(failing.task_id);
    await counted();
  });

  it('why did last night’s batch fail; rerun only those', async () => {
    const person = await sit(view);
    await person.open('/tasks');
    await person.press('button', 'Failed since yesterday');
    await person.visible('Night batch');
    const failed = await sit(view);
    await failed.open('/errors?window=24h');
    await failed.visible('Failing on purpose');
    await failed.press('button', 'Retry all');
    await failed.visible(/\d retried/);
    failed.assertSteps(2);
    person.assertSteps(3);
  });

  it('find a customer’s task by an order number inside its parameters', async () => {
    const person = await sit(view);
    await person.open('/');
    await person.type('Search tasks', `ord-${view.name}-99`);
    await person.visible('Of a customer');
    person.assertSteps(2);
    // A click on the value finds the others that have it.
    await person.press('link', 'Of a customer');
    await person.page.getByLabel(`Tasks with ORD-${view.name}-99 here`).click();
    await expect.poll(() => person.page.url()).toContain('params.data.0.order_id=ORD-');
    await person.visible('Of a customer');
  });

  it('which type is slow, since when', async () => {
    const person = await sit(view);
    await person.open('/types');
    await person.press('button', '30 d');
    await person.press('link', 'flaky');
    await person.visible('How long it ran');
    person.assertSteps(3);
  });

  it('wait by queue over the last day, throughput of the last week', async () => {
    const person = await sit(view);
    await person.open('/queues?window=24h');
    await person.visible('Your tasks, last 24 h');
    await person.page
      .getByRole('region', { name: 'Figures by queue' })
      .getByText('default-medium')
      .waitFor();
    await person.open('/?window=7d');
    await person.visible('Throughput, last 7 d');
    person.assertSteps(2);
  });

  it('why is this queue stuck', async () => {
    await ask('POST', '/queues/default-low/pause');
    const { task_id } = await submit(
      'sum',
      { a: 1, b: 1 },
      { priority: 'LOW', title: 'It is stuck' },
    );
    const person = await sit(view);
    await person.open(`/tasks/${task_id}`);
    await person.page.locator('.waiting-note').getByText('was paused').waitFor();
    await person.press('button', 'Resume queue');
    person.assertSteps(2);
    await ended(task_id);
  });

  it('run tomorrow at nine', async () => {
    const person = await sit(view);
    await person.open('/new?type=sum');
    await person.page.getByText('Options: when').click();
    await person.page
      .getByLabel('Run at')
      .fill(`${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)}T09:00`);
    await person.press('button', 'Submit');
    await person.visible('Scheduled: it runs');
    const { tasks } = await ask<{ tasks: { scheduled_at: string }[] }>(
      'GET',
      '/tasks?status=NEW&page_size=1',
    );
    expect(new Date(tasks[0]?.scheduled_at ?? '').getHours()).toBe(9);
    person.assertSteps(4);
  });

  it('follow a long task', async () => {
    await submit('simulate', { duration: 30 }, { title: `Long ${view.name}` });
    const person = await sit(view);
    await person.open('/tasks?status=IN_PROGRESS');
    await person.page.locator('tbody progress').first().waitFor();
    await person.press('link', `Long ${view.name}`);
    await person.visible(/about .* left/);
    await expect.poll(() => person.page.title()).toMatch(/^\d+ % /);
    await person.press('button', 'Cancel');
    person.assertSteps(3);
  });

  it('goes by keyboard alone', async () => {
    if (view.name === 'phone') return;
    const person = await sit(view);
    await person.open('/');
    const { keyboard } = person.page;
    await keyboard.press('g');
    await keyboard.press('t');
    await person.page.getByRole('heading', { name: 'Tasks' }).waitFor();
    await person.page.locator('tbody tr').first().waitFor();
    await keyboard.press('j');
    await keyboard.press('j');
    await keyboard.press('x');
    await person.visible('1 selected');
    await keyboard.press('Enter');
    await person.visible('Timeline');
    // Typed faster than the types come.
    await person.page.route(/task-types$/, async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await route.continue();
    });
    await keyboard.press('Control+k');
    await person.page.getByRole('option').first().waitFor();
    await keyboard.type('new task: sum');
    await keyboard.press('Enter');
    await person.page.getByRole('heading', { name: 'New task' }).waitFor();
    await keyboard.press('Escape');
    person.assertSteps(1);
  });

  it('creates a schedule, sees it fire, pauses it, and runs what is past', async () => {
    const name = `each-second-${view.name}`;
    const person = await sit(view);
    await person.open('/new-schedule');
    await person.page.getByLabel('Name *').fill(name);
    await person.page.getByLabel('Cron').fill('30 2 * * *');
    await person.page.getByLabel('Time zone').fill('Europe/Berlin');
    await person.visible('At 02:30');
    await person.page
      .getByText(/02:30.*UTC\+0[12]:00/)
      .first()
      .waitFor();
    await person.page.getByLabel('Cron').fill('61 * * * *');
    await person.visible(/CronPattern|out of range|invalid/i);
    await person.page.getByLabel('Cron').fill('* * * * * *');
    await person.visible('Every second');
    await person.press('button', /^Create$/);
    await person.page.getByRole('heading', { name }).waitFor();
    await person.page.getByRole('img', { name: /The last \d+: .*completed/ }).waitFor();
    await person.press('button', /^Pause$/);
    await person.visible('Moments that pass are not made up for');
    await person.press('button', 'Show the moments');
    await person.visible(/would be submitted|more than 1000/);
    await person.open('/schedules?show=paused');
    await person.press('link', name);
    await person.press('button', 'Delete');
    await person.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await person.page.getByRole('heading', { name: 'Schedules' }).waitFor();
  });

  it('Back restores the filters, and the view can be saved', async () => {
    const person = await sit(view);
    await person.open('/tasks?status=FAILED');
    await person.press('button', 'Save view');
    await person.type('Name of the view', 'All that failed');
    await person.page.getByRole('button', { name: 'All that failed', exact: true }).waitFor();
    await person.press('button', 'All');
    await person.page.goBack().catch(() => null);
    person.assertSteps(4);
  });
});

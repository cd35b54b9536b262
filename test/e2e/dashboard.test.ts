import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { createWorker } from '../../src/client/index.ts';
import { connect } from '../../scripts/tasker.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { hasBrowser, useBrowser } from '../support/setup/browser.ts';
import { flaws, openTab, VIEWS, type View } from '../support/setup/page.ts';

// Every page and every action of the dashboard in a real browser, against the real service.

const running = useBrowser();

// A page that stays open would go on following the tasks of the next test.
afterEach(async () => {
  for (const context of running.browser?.contexts() ?? []) await context.close();
});

interface Task {
  task_id: string;
  status: string;
}
const ask = <T>(method: string, path: string, json?: object): Promise<T> =>
  connect(running.service.url).request<T>(path, { method, json });
const submit = (type: string, params: object = {}, more: object = {}) =>
  ask<Task>('POST', '/tasks', { type, params, ...more });
const tasksOf = async (query: string): Promise<Task[]> =>
  (await ask<{ tasks: Task[] }>('GET', `/tasks?page_size=100&${query}`)).tasks;
const ended = async (id: string): Promise<void> => {
  const status = async (): Promise<string> => (await ask<Task>('GET', `/tasks/${id}`)).status;
  await expect.poll(status, { timeout: 20_000 }).toMatch(/COMPLETED|FAILED|CANCELLED/);
};

const at = async (page: Page, path: string): Promise<void> => {
  await page.goto(`${running.service.url}/#${path}`);
  await page.getByRole('status').getByText('Live').waitFor();
};

/** A type that a person ends. */
const OUTSIDE = {
  manual: 'shown_approval',
  definition: {
    description: 'Yes or no',
    run: { manual: {} },
    result: {
      type: 'object',
      properties: { approved: { type: 'boolean' } },
      required: ['approved'],
    },
  },
};

const PAYLOAD = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

it.skipIf(!hasBrowser)('loads in 90 KB, compressed', async () => {
  const { page } = await openTab(running.browser, VIEWS[0], running.service.url);
  let bytes = 0;
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    const file = pathname === '/' ? '/index.html' : pathname;
    if (file === '/index.html' || file.startsWith('/assets/'))
      bytes += gzipSync(readFileSync(`dist/public${file}`)).length;
  });
  await at(page, '/');
  console.log(`first load: ${(bytes / 1_024).toFixed(1)} KB`);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(90 * 1_024);
});

describe.skipIf(!hasBrowser).each(VIEWS)('at $name', (view: View) => {
  it('shows every page without a flaw, and whatever tasks hold as text', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    const hostile = await submit(
      'data_processing',
      { data: { [PAYLOAD]: [PAYLOAD] } },
      { title: PAYLOAD, description: PAYLOAD, tags: [PAYLOAD.slice(0, 50)] },
    );
    await submit('broken', {}, { max_attempts: 1, title: PAYLOAD });
    const { definition } = OUTSIDE;
    await ask('PUT', `/task-types/${OUTSIDE.manual}`, definition);
    const waiting = await submit(OUTSIDE.manual);
    const plantedBy = {
      name: `planted-${crypto.randomUUID().slice(0, 8)}`,
      cron: '@hourly',
      overlap: 'skip',
    };
    const planted = await ask<{ schedule_id: string }>('POST', '/schedules', {
      ...plantedBy,
      task: { type: 'sum', params: { a: 1, b: 2 }, title: PAYLOAD },
    });
    await ask('POST', `/schedules/${plantedBy.name}/trigger`);
    await ask('PUT', '/limits/swept', { max_running: 2, rate: { count: 5 } });
    await ask('POST', '/limits/swept/pause');
    await submit('sum', { a: 1, b: 2 }, { limit: { key: 'swept', sub_key: PAYLOAD } });
    const drawn = await ask<{ flow_id: string }>('POST', '/flows', {
      name: PAYLOAD,
      tasks: {
        first: { type: 'broken', max_attempts: 1, title: PAYLOAD },
        second: { type: 'sum', params: { a: { $from: 'first.result' }, b: 1 } },
        person: { type: OUTSIDE.manual },
      },
    });
    // There is no task whose error is of a stranger's making: this one answer is made up.
    await page.route('**/errors', async (route) => {
      const group = {
        type: PAYLOAD,
        code: PAYLOAD,
        message: PAYLOAD,
        tasks: 1,
        first_at: '2026-01-01T00:00:00.000Z',
        last_at: '2026-01-01T00:00:00.000Z',
        newest_task_id: hostile.task_id,
      };
      await route.fulfill({ json: { groups: [group] } });
    });
    await ended(hostile.task_id);
    for (const [path, text] of [
      ['/', 'Throughput'],
      ['/tasks', PAYLOAD],
      [`/tasks/${hostile.task_id}`, 'Parameters'],
      ['/new', 'The same by program'],
      ['/schedules', 'New schedule'],
      [`/schedules/${planted.schedule_id}`, 'by hand'],
      ['/new-schedule', 'When it would fire'],
      ['/types', 'Run one'],
      ['/types/sum', 'How long it ran'],
      ['/register', 'Who runs it'],
      [`/types/${OUTSIDE.manual}`, 'Change'],
      [`/tasks/${waiting.task_id}`, 'It waits for you'],
      ['/queues', 'external-low'],
      ['/queues/default-low', 'As it stands'],
      ['/limits', 'New limit'],
      ['/databases', 'How each stands'],
      ['/limits/swept', 'onerror'],
      ['/flows', 'New flow'],
      [`/flows/${drawn.flow_id}`, 'person waits for you'],
      ['/files', 'Choose files'],
      ['/errors', 'Retry all'],
      ['/keys', 'Create a key'],
      ['/audit', 'Who did what'],
    ] as const) {
      await at(page, path);
      await page.getByText(text).first().waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect([path, colorScheme, await flaws(page)]).toEqual([path, colorScheme, []]);
      }
      expect(await page.locator('main img, main script').count()).toBe(0);
    }
    await at(page, `/tasks/${hostile.task_id}`);
    expect(await page.locator('.tree').last().textContent()).toContain('onerror');
    expect(wrong).toEqual([]);
  });

  it('makes a limit, moves its numbers, and says whose tasks wait', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    const key = `moved-${crypto.randomUUID().slice(0, 8)}`;
    await at(page, '/limits');
    await page.getByLabel('Key').fill(key);
    await page.getByLabel('Running at once').fill('1');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: key }).waitFor();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByText('Paused: nothing begins until it is resumed').waitFor();
    const { task_id } = await submit('sum', { a: 6, b: 7 }, { limit: { key, sub_key: 'acme' } });
    await page.getByRole('cell', { name: 'acme' }).waitFor();
    const slider = page.getByRole('slider', { name: 'Running', exact: false }).first();
    await slider.focus();
    await slider.press('ArrowRight');
    await page.getByText(`${key} is changed`).first().waitFor();
    await page.getByText('0 of 2').first().waitFor();
    await at(page, `/tasks/${task_id}`);
    await page.getByText('It waits for the limit').waitFor();
    await page.getByRole('link', { name: key }).first().click();
    await page.getByRole('button', { name: 'Resume' }).click();
    await ended(task_id);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText(`${key} is deleted`).first().waitFor();
    expect(wrong).toEqual([]);
  });

  it('draws a flow as it runs, approves in place, and goes on from what failed', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    await ask('PUT', `/task-types/${OUTSIDE.manual}`, OUTSIDE.definition);
    const flow = {
      name: `Drawn ${crypto.randomUUID().slice(0, 8)}`,
      tasks: {
        ask: { type: OUTSIDE.manual },
        list: { type: 'data_processing', params: { data: [1, 2, 3] }, after: ['ask'] },
        each: {
          type: 'sum',
          params: { a: { $from: 'item' }, b: 1 },
          for_each: { $from: 'list.result.data.data' },
        },
        bad: { type: 'broken', max_attempts: 1, after: ['each'] },
        end: { type: 'sum', params: { a: 1, b: 1 }, after: ['bad'] },
      },
    };
    await at(page, '/flows');
    await page.getByLabel('As JSON').fill('{ "tasks": { "a": { "type": "nothing" } } }');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByText('tasks.a.type').waitFor();
    // The browser notes the refusal.
    expect(wrong.splice(0)).toEqual([expect.stringContaining('422')]);
    await page.getByLabel('As JSON').fill(JSON.stringify(flow));
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('heading', { name: flow.name }).waitFor();
    await page.getByText('ask waits for you').waitFor();
    await page.getByLabel('approved *').check();
    await page.getByRole('button', { name: 'Complete' }).click();
    // What stops the rest is in front; the graph goes on without a reload.
    await page.getByText('This task always fails').first().waitFor();
    await page.getByRole('button', { name: 'Graph' }).click();
    const node = page.getByRole('link', { name: /^each\b.*completed.*3 of 3/ });
    await node.waitFor();
    await page.getByRole('link', { name: /^end\b.*cancelled/ }).waitFor();
    expect(await flaws(page)).toEqual([]);
    await page.getByRole('button', { name: 'List' }).click();
    await page.getByText('3 tasks').click();
    expect(await page.getByRole('link', { name: /^Item \d, completed/ }).count()).toBe(3);
    expect(await flaws(page)).toEqual([]);
    await page.getByRole('button', { name: 'Retry from what failed' }).click();
    await page.getByText('It goes on from what failed').first().waitFor();
    await page.getByText('attempt 2').first().waitFor();
    // By keyboard alone.
    await page.getByRole('button', { name: 'Graph' }).click();
    await node.focus();
    await page.keyboard.press('Enter');
    await page.getByText('Parameters').first().waitFor();
    await page.getByRole('link', { name: 'each' }).first().click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Flows' }).waitFor();
    expect(wrong).toEqual([]);
  });

  it('lays 200 tasks out, and says how long that took', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    const tasks: Record<string, object> = { start: { type: 'simulate', params: { duration: 60 } } };
    for (let i = 0; i < 22; i += 1) {
      for (let j = 0; j < 8; j += 1)
        tasks[`part-${i}-${j}`] = { type: 'sum', params: { a: i, b: j }, after: ['start'] };
      const parts = Array.from({ length: 8 }, (_, j) => `part-${i}-${j}`);
      tasks[`merge-${i}`] = { type: 'sum', params: { a: 1, b: 1 }, after: parts };
    }
    tasks['end'] = { type: 'sum', params: { a: 1, b: 1 }, after: ['merge-0', 'merge-21'] };
    const { flow_id } = await ask<{ flow_id: string }>('POST', '/flows', { tasks });
    await at(page, `/flows/${flow_id}`);
    await page.getByRole('button', { name: 'Graph' }).click();
    await page.getByRole('link', { name: /^merge-21\b.*pending.*waits for 8/ }).waitFor();
    const [took] = await page.evaluate<number[]>(
      `performance.getEntriesByName('flow layout').map(({ duration }) => duration)`,
    );
    console.log(`200 tasks were laid out in ${took?.toFixed(0)} ms`);
    expect(took).toBeGreaterThan(0);
    expect(await flaws(page)).toEqual([]);
    await ask('POST', `/flows/${flow_id}/cancel`);
    expect(wrong).toEqual([]);
  });

  it('submits what a form was filled with, and runs it again with other parameters', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    await at(page, '/types');
    await page
      .getByRole('article')
      .filter({ has: page.getByRole('heading', { name: 'sum', exact: true }) })
      .getByRole('link', { name: 'Run one' })
      .click();
    await page.getByLabel('a *', { exact: true }).fill('40');
    await page.getByLabel('Title').fill('By hand');
    await page.getByText('Options: when').click();
    await page.getByLabel('Priority').selectOption('HIGH');
    await page.getByLabel('Tags').fill('one, two');
    expect(await page.locator('.curl').textContent()).toContain(
      `{"type":"sum","params":{"a":40,"b":3},"title":"By hand","priority":"HIGH","tags":["one","two"]}`,
    );
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByRole('heading', { name: 'By hand' }).waitFor();
    await page.locator('.tree').last().getByText('43').waitFor();
    expect(await page.locator('.timeline .running').count()).toBeGreaterThan(0);
    await page.getByRole('link', { name: 'Run again with edited parameters' }).click();
    await page.getByRole('heading', { name: 'Run again' }).waitFor();
    await expect.poll(() => page.getByLabel('a *', { exact: true }).inputValue()).toBe('40');
    await page.getByLabel('b *', { exact: true }).fill('2');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.locator('.tree').last().getByText('42').waitFor();
    // Each of the two shows the other.
    const rerun = page.url();
    const facts = page.locator('.facts');
    await facts.locator('dt:has-text("Ran again") + dd a').click();
    await page.locator('.tree').last().getByText('43').waitFor();
    await facts.locator('dt:has-text("Run again as") + dd a').click();
    await expect.poll(() => page.url()).toBe(rerun);
    // What the service refuses is said in its words, and nothing is lost.
    await at(page, '/new?type=sum');
    await page.getByText('Options: when').click();
    await page.getByLabel('or in, seconds').fill('999999999');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.locator('.toast.error').getByText('delay_seconds').waitFor();
    // What is no JSON, or is missing, is not sent at all.
    const before = (await ask<{ pagination: { total_tasks: number } }>('GET', '/tasks')).pagination
      .total_tasks;
    await at(page, '/new?type=data_processing');
    await page.locator('textarea.code').first().fill('[{"a": BROKEN');
    await page.getByRole('button', { name: 'Submit' }).click();
    await page.getByText('This is not JSON.').waitFor();
    await at(page, '/new?type=sum');
    await page.getByLabel('a *', { exact: true }).fill('');
    await page.getByRole('button', { name: 'Submit' }).click();
    expect(page.url()).toContain('/new?type=sum');
    expect(
      (await ask<{ pagination: { total_tasks: number } }>('GET', '/tasks')).pagination.total_tasks,
    ).toBe(before);
    expect(wrong.filter((each) => !each.includes('422'))).toEqual([]);
  });

  it('pauses, resumes, cancels, reruns and deletes a task, and shows its progress', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    const { task_id } = await submit(
      'simulate',
      { duration: 30 },
      { delay_seconds: 600, title: 'Steered' },
    );
    await at(page, `/tasks/${task_id}`);
    const status = (text: string) => page.locator('.statusline').getByText(text).waitFor();
    await status('scheduled');
    await page.getByRole('button', { name: 'Pause', exact: true }).last().click();
    await status('paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await status('scheduled');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await status('cancelled');
    await page.getByRole('button', { name: 'Retry' }).click();
    await status('in progress');
    await page.getByText(/^[1-9]\d? of 30 s/).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await status('cancelled');
    // Changes by other callers show here too.
    await ask('POST', `/tasks/${task_id}/retry`);
    await status('in progress');
    await ask('POST', `/tasks/${task_id}/cancel`);
    await status('cancelled');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Tasks' }).waitFor();
    expect((await fetch(`${running.service.url}/tasks/${task_id}`)).status).toBe(404);
    expect(wrong).toEqual([]);
  });

  it('keeps what happens while the answer with the list is on its way', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    const tag = `late-${view.viewport.width}`;
    const delayed = { delay_seconds: 600, tags: [tag] };
    const first = await submit('sum', { a: 1, b: 1 }, delayed);
    await at(page, `/tasks?tag=${tag}`);
    const row = (task: Task) => page.locator(`tbody tr[data-task="${task.task_id}"]`);
    await row(first).waitFor();
    // The answer is read at once, and arrives after the updates.
    const { promise: arrival, resolve: arrive } = Promise.withResolvers<void>();
    const { promise: reading, resolve: isRead } = Promise.withResolvers<void>();
    await page.route('**/tasks?*', async (route) => {
      const response = await route.fetch();
      isRead();
      await arrival;
      const { pagination, ...rest } = (await response.json()) as { pagination: object };
      // By its total the reader knows that it arrived.
      const json = { ...rest, pagination: { ...pagination, total_tasks: 77 } };
      await route.fulfill({ response, json });
    });
    await page.getByRole('button', { name: 'Reload' }).click();
    await reading;
    const second = await submit('sum', { a: 2, b: 2 }, delayed);
    await ask('POST', `/tasks/${first.task_id}/cancel`);
    await row(second).waitFor();
    await row(first).getByText('cancelled').waitFor();
    arrive();
    await page.getByText('77 total').waitFor();
    // Its rows are drawn after it.
    for (const _ of [1, 2]) await page.evaluate('new Promise(requestAnimationFrame)');
    expect(await row(second).count()).toBe(1);
    expect(await row(first).innerText()).toContain('cancelled');
    expect(wrong).toEqual([]);
  });

  it('filters by the URL, and acts on some and on all that match', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    const tag = `bulk-${view.viewport.width}`;
    await ask('POST', '/tasks/bulk', {
      tasks: Array.from({ length: 120 }, (_, i) => ({
        type: 'sum',
        params: { a: i % 2, b: 1 },
        delay_seconds: 600,
        tags: [tag],
      })),
    });
    await at(page, `/tasks?tag=${tag}&params.a=1`);
    await page.getByText('60 total').waitFor();
    await page.getByRole('combobox', { name: 'status' }).selectOption('NEW');
    await expect.poll(() => page.url()).toContain('status=NEW');
    await expect.poll(() => page.locator('tbody tr').count()).toBe(50);
    // The oldest first, shareable as a URL.
    await page.getByRole('combobox', { name: 'Order' }).selectOption('oldest');
    await expect.poll(() => page.url()).toContain('order=oldest');
    const firstIs = async (order: string): Promise<void> => {
      const [first] = await tasksOf(`tag=${tag}&params.a=1&status=NEW&order=${order}`);
      await expect
        .poll(() => page.locator('tbody tr').first().innerHTML())
        .toContain(`/tasks/${first?.task_id ?? ''}`);
    };
    await firstIs('oldest');
    await page.getByRole('combobox', { name: 'Order' }).selectOption('newest');
    await expect.poll(() => page.url()).not.toContain('order=');
    await firstIs('newest');
    const rows = page.locator('tbody').getByRole('checkbox');
    await rows.nth(0).check();
    await rows.nth(1).check();
    await page.getByRole('button', { name: 'pause', exact: true }).click();
    await page.getByText('2 paused').waitFor();
    expect((await tasksOf(`tag=${tag}&status=PAUSED`)).length).toBe(2);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await at(page, `/tasks?tag=${tag}`);
    await page.getByText('120 total').waitFor();
    await page.getByLabel('Select all on this page').check();
    await page.getByRole('button', { name: /Select all 120 matching/ }).click();
    await page.getByRole('button', { name: 'resume', exact: true }).click();
    await page.getByText('2 resumed').waitFor();
    await page.getByLabel('Select all on this page').check();
    await page.getByRole('button', { name: /Select all 120 matching/ }).click();
    await page.getByRole('button', { name: 'cancel', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('120 cancelled').waitFor();
    await page.getByLabel('Select all on this page').check();
    await page.getByRole('button', { name: /Select all 120 matching/ }).click();
    await page.getByRole('button', { name: 'delete', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('120 deleted').waitFor();
    await page.getByText('No task matches these filters.').waitFor();
    expect(await tasksOf(`tag=${tag}`)).toEqual([]);
    expect(wrong).toEqual([]);
  });

  it('shows what a run says as it comes, and what it wrote down', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    const type = `writes_${view.viewport.width}`;
    const client = connect(running.service.url);
    await client.registerType(type, { description: 'Writes', run: { worker: {} } });
    let end = (): void => {};
    const isOver = new Promise<void>((resolve) => (end = resolve));
    const worker = createWorker({
      baseUrl: running.service.url,
      onError: () => {},
      types: {
        [type]: async ({ log, output, submit: submitChild }) => {
          log.info('<b>first</b>', { page: 1 });
          log.warn('careful');
          await submitChild({ type: 'sum', params: { a: 1, b: 2 } });
          output('Once upon <i>a</i> ');
          await isOver;
          output('time');
          throw new Error('No ink');
        },
      },
    });
    const work = worker.run();
    const { task_id } = await client.submit({ type, max_attempts: 1 });
    await at(page, `/tasks/${task_id}`);
    await page.getByLabel('Output', { exact: true }).getByText('Once upon <i>a</i>').waitFor();
    const log = page.getByLabel('Log', { exact: true });
    await log.getByText('<b>first</b>').waitFor();
    await page.getByRole('link', { name: 'As a list' }).waitFor();
    end();
    await page.locator('.statusline').getByText('failed').waitFor();
    await page.getByText('Once upon <i>a</i> time').waitFor();
    await page.getByText('Where it was thrown').click();
    await page.getByText('dashboard.test.ts').first().waitFor();
    await page.getByLabel('Level').selectOption('warn');
    await expect.poll(() => log.locator('.line').count()).toBe(1);
    await page.getByLabel('Search the log').fill('nothing like it');
    await page.getByText('No line fits.').waitFor();
    await page.getByRole('link', { name: 'As a list' }).click();
    await page.locator('tbody tr').first().waitFor();
    expect(wrong).toEqual([]);
    await worker.stop();
    await work;
  });

  it('registers types, shows a secret once, and ends what waits for a person', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    const name = (kind: string): string => `${kind}_${view.viewport.width}`;
    await at(page, '/types');
    await page.getByRole('link', { name: 'Register a type' }).click();
    // What is wrong is said at its field, and nothing is lost.
    await page.getByLabel('Name *').fill(name('hook'));
    await page.getByLabel('Description *').fill('Calls an endpoint');
    await page.getByRole('button', { name: 'An endpoint' }).click();
    await page.getByLabel('URL *').fill('https://localhost/');
    await page.getByLabel('Parameters, as JSON Schema').fill('{"pattern": "x"');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    await page.getByText('This is not JSON.').waitFor();
    await page.getByLabel('Parameters, as JSON Schema').fill('{"pattern": "x"}');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    await page.getByText('`pattern` is not taken').first().waitFor();
    await page.getByLabel('Parameters, as JSON Schema').fill('');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    await page.getByText('is not a public host name').first().waitFor();
    await page.getByLabel('URL *').fill('https://hook.invalid-but-public.example/');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    expect(await page.locator('.secret').textContent()).toMatch(/^whsec_/);
    await page.getByRole('link', { name: 'Its page' }).click();
    await page.getByRole('button', { name: 'Pause type' }).click();
    await page.getByText('Paused: no run begins').waitFor();
    await page.getByRole('button', { name: 'Resume type' }).click();
    await page.getByRole('button', { name: 'Pause type' }).waitFor();
    expect(await page.locator('.secret').count()).toBe(0);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Types', exact: true }).waitFor();
    await ask('PUT', `/task-types/${name('yes')}`, OUTSIDE.definition);
    const [one, other] = await Promise.all([submit(name('yes')), submit(name('yes'))]);
    await at(page, `/tasks/${one.task_id}`);
    await page.getByText('It waits for a person').waitFor();
    await page.getByLabel('approved *').check();
    await page.getByRole('button', { name: 'Complete' }).click();
    await page.locator('.statusline').getByText('completed').waitFor();
    await at(page, `/tasks/${other.task_id}`);
    await page.getByLabel('Why it fails').fill('Too dear');
    await page.getByRole('button', { name: 'Fail', exact: true }).click();
    await page.locator('.note.error').getByText('Too dear').waitFor();
    expect(wrong.filter((each) => !each.includes('422'))).toEqual([]);
  });

  it('pauses queues, retries groups of errors, and can be held still', async () => {
    const { page, wrong } = await openTab(running.browser, view, running.service.url);
    await at(page, '/');
    await page.getByRole('button', { name: 'pause external-low' }).click();
    await page.getByRole('button', { name: 'resume external-low' }).click();
    await page.getByRole('button', { name: 'pause external-low' }).waitFor();
    const { task_id } = await submit('flaky', { failures: 9 }, { max_attempts: 1 });
    await ended(task_id);
    await at(page, '/errors');
    await page
      .getByRole('listitem')
      .filter({ hasText: 'flaky' })
      .getByRole('button', { name: 'Retry all' })
      .first()
      .click();
    await page.getByText(/\d retried/).waitFor();
    await ended(task_id);
    await at(page, '/tasks');
    await page.getByRole('button', { name: 'Pause updates' }).click();
    await submit('sum', { a: 1, b: 1 }, { title: `Held ${view.name}` });
    await page.getByText(/changes held/).waitFor();
    expect(await page.getByText(`Held ${view.name}`).count()).toBe(0);
    await page.getByRole('button', { name: 'Resume updates' }).click();
    await page.getByText(`Held ${view.name}`).waitFor();
    // Nothing jumps under the pointer: what is new waits above until it has left.
    if (view.viewport.width > 1_000) {
      await page.locator('tbody tr').first().hover();
      await submit('sum', { a: 1, b: 1 }, { title: 'Under the pointer' });
      await page.getByRole('button', { name: /new task/ }).waitFor();
      expect(await page.getByText('Under the pointer').count()).toBe(0);
      await page.getByRole('heading', { name: 'Tasks' }).hover();
      await page.getByText('Under the pointer').waitFor();
    }
    expect(wrong).toEqual([]);
  });
});

it.skipIf(!hasBrowser)(
  'tells how an action ended though its row, and its page, are gone before',
  async () => {
    const { page } = await openTab(running.browser, VIEWS[1], running.service.url);
    const { task_id } = await submit('flaky', { failures: 1 }, { max_attempts: 1, tags: ['gone'] });
    await ended(task_id);
    await at(page, '/errors?tag=gone');
    // The stream of the action says nothing until its row has left the list.
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.routeWebSocket(/\/tasks\/[^/]+\/events$/, async (socket) => {
      const server = socket.connectToServer();
      server.onClose((code = 1000) => void released.then(() => socket.close({ code })));
      server.onMessage((message) => void released.then(() => socket.send(message)));
    });
    const row = page.getByRole('listitem').filter({ hasText: 'flaky' });
    await row.getByRole('button', { name: 'Retry all' }).click();
    await row.waitFor({ state: 'detached' });
    await at(page, '/keys');
    release();
    await page.getByText(/\d retried/).waitFor();
  },
);

describe.skipIf(!hasBrowser)('live', () => {
  it('says when the connection is lost, and goes on when it is back', async () => {
    const { context, page } = await openTab(running.browser, VIEWS[0], running.service.url);
    await page.addInitScript(
      'window.sockets = []; window.WebSocket = class extends WebSocket { constructor(...all) { super(...all); window.sockets.push(this); } }',
    );
    await at(page, '/tasks?type=sum');
    await context.setOffline(true);
    await page.evaluate('window.sockets.forEach((socket) => socket.close())');
    await page.getByText('Connection lost').waitFor();
    const { task_id } = await submit('sum', { a: 1, b: 1 });
    await context.setOffline(false);
    await page.getByRole('status').getByText('Live').waitFor();
    await page.locator(`tr[data-task="${task_id}"]`).waitFor();
  });
});

describe.skipIf(!hasBrowser)('with keys', () => {
  it('asks for a key once there is one, and makes and revokes keys', async () => {
    const { page, wrong } = await openTab(running.browser, VIEWS[0], running.service.url);
    await at(page, '/keys');
    await page.getByText('From the first key on every program needs one').waitFor();
    await page.getByLabel('Name *').fill('mine');
    await page.getByRole('button', { name: 'Create a key' }).click();
    const key = await page.locator('.secret').textContent();
    expect(key).toMatch(/^tk_/);
    // Signed in with it, and what was there is there.
    await page.getByRole('row', { name: /mine/ }).getByText('admin, operator').waitFor();
    await at(page, '/tasks');
    await page.locator('tbody tr').first().waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Enter an API key' }).waitFor();
    expect(await flaws(page)).toEqual([]);
    await at(page, '/keys');
    await page.getByLabel('API key', { exact: true }).fill('tk_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('There is no such API key').waitFor();
    await page.getByLabel('API key', { exact: true }).fill(key ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('status').getByText('Live').waitFor();
    expect(await page.evaluate('[localStorage.length, document.cookie]')).toEqual([0, '']);
    await page.getByLabel('Owner', { exact: true }).fill('other');
    await page.getByLabel('Name *').fill('theirs');
    await page.getByLabel('Task types').fill('sum, weather');
    await page.getByRole('button', { name: 'Create a key' }).click();
    await page
      .getByRole('row', { name: /theirs/ })
      .getByText('only sum, weather')
      .waitFor();
    await page
      .getByRole('row', { name: /theirs/ })
      .getByRole('button', { name: 'Revoke' })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('1 revoked or expired').click();
    await page
      .getByRole('row', { name: /theirs/ })
      .getByText('revoked')
      .waitFor();
    await at(page, '/audit');
    await page.getByRole('row', { name: /revoked the key/ }).waitFor();
    expect(await flaws(page)).toEqual([]);
    await at(page, '/keys');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Enter an API key' }).waitFor();
    expect(wrong.filter((each) => !each.includes('401'))).toEqual([]);
  });
});

import { Hono } from 'hono';
import { detailOf, viewOf } from '../../domain/view.ts';
import type { AppEnv } from '../context.ts';
import { asking, readTask, taskId, taskNotFound } from '../read-task.ts';
import { brokenBody, listQuery, retryBody, taskBody } from '../schemas.ts';
import { submit } from '../submit.ts';
import { jsonBody, query } from '../validate.ts';

export const tasks = new Hono<AppEnv>()
  .post('/', jsonBody(taskBody), async (c) => {
    const task = await submit(c, c.req.valid('json'));
    // Nothing is left to wait for where an output was used again.
    return c.json(viewOf(task), task.reused_from === null ? 202 : 200, { Location: `/tasks/${task.id}` });
  })

  .post('/broken', jsonBody(brokenBody, { optional: true }), async (c) => {
    const task = await submit(c, { ...c.req.valid('json'), type: 'broken', params: {} });
    return c.json(viewOf(task), 202, { Location: `/tasks/${task.id}` });
  })

  .post('/retry', jsonBody(retryBody, { optional: true }), async (c) => {
    const { failures, ...words } = c.req.valid('json');
    const task = await submit(c, { ...words, type: 'flaky', params: { failures } });
    return c.json(viewOf(task), 202, { Location: `/tasks/${task.id}` });
  })

  .get('/', query(listQuery), async (c) => {
    const { status, type, page = 1, page_size, cursor } = c.req.valid('query');
    const { store } = c.var.services;
    const filter = { statuses: status, types: type };
    const offset = cursor === undefined ? (page - 1) * page_size : 0;
    // One row more than asked for tells whether there is a next page.
    const [rows, counted] = await asking(c, () =>
      Promise.all([
        store.list(c.var.owner, filter, { limit: page_size + 1, before: cursor, offset }),
        cursor === undefined ? store.count(c.var.owner, filter) : null,
      ]),
    );
    const shown = rows.slice(0, page_size);
    const next_cursor = rows.length > page_size ? (shown.at(-1)?.id ?? null) : null;
    const totals = counted === null ? {} : totalsOf(counted, page_size);
    const pagination = { ...(cursor === undefined && { current_page: page }), page_size, ...totals, next_cursor };
    return c.json({ pagination, tasks: shown.map(viewOf) });
  })

  .get('/:id', async (c) => {
    const task = await readTask(c, taskId(c));
    // Most tasks owe nobody a word, and cost no further read.
    const owes = task.callback_url !== null || task.failure_sinks !== null;
    const deliveries = owes ? await asking(c, () => c.var.services.deliveries.listOf(task.owner, task.id)) : [];
    return c.json(detailOf(task, deliveries));
  })

  .get('/:id/status', async (c) => {
    const id = taskId(c);
    const task = await asking(c, () => c.var.services.store.get(c.var.owner, id));
    if (!task) throw taskNotFound(id);
    const { status, progress, attempt, max_attempts, version } = viewOf(task);
    return c.json({ task_id: id, task_uuid: id, status, progress, attempt, max_attempts, version });
  });

const totalsOf = ({ total, capped }: { total: number; capped: boolean }, pageSize: number) => ({
  total_pages: Math.ceil(total / pageSize),
  total_tasks: total,
  ...(capped && { total_capped: true }),
});

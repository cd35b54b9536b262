import { Hono } from 'hono';
import { AppError } from '../domain/errors.ts';
import type { AppEnv } from './context.ts';
import { apiTasks } from './dialects/api-tasks.ts';
import { runTask } from './dialects/run-task.ts';
import { methodsAt } from './methods.ts';
import { documentation } from './openapi/routes.ts';
import { crossOrigin, securityHeaders } from './headers.ts';
import { problem } from './problem.ts';
import { requestContext } from './request-context.ts';
import { commands } from './routes/commands.ts';
import { events } from './routes/events.ts';
import { files } from './routes/files.ts';
import { health } from './routes/health.ts';
import { keys } from './routes/keys.ts';
import { metrics } from './routes/metrics.ts';
import { overview } from './routes/overview.ts';
import { queues } from './routes/queues.ts';
import { taskTypes } from './routes/task-types.ts';
import { tasks } from './routes/tasks.ts';

/** The reader's map of the HTTP surface: what runs before every route, what is mounted where, how it fails. */
export const app: Hono<AppEnv> = new Hono<AppEnv>({ strict: false })
  .use(securityHeaders)
  .use(requestContext)
  .use(crossOrigin)
  .route('/', health)
  .route(
    '/',
    documentation(() => app.routes),
  )
  .route('/', metrics)
  .route('/', overview)
  .route('/', events)
  .route('/tasks', tasks)
  .route('/tasks', commands)
  .route('/task-types', taskTypes)
  .route('/files', files)
  .route('/queues', queues)
  .route('/keys', keys)
  // Older APIs, each a thin adapter onto the same commands.
  .route('/', runTask)
  .route('/api/tasks', apiTasks)
  .notFound((c) => {
    const allowed = methodsAt(app.routes, c.req.path);
    const what = `${c.req.method} ${c.req.path.slice(0, 200)}`;
    if (allowed.length === 0)
      return problem(
        new AppError(
          'route_not_found',
          `There is no ${what}; GET /openapi.json lists what there is`,
        ),
        c,
      );
    const Allow = allowed.join(', ');
    if (c.req.method === 'OPTIONS') return c.body(null, 204, { Allow });
    return problem(
      new AppError('method_not_allowed', `There is no ${what}; allowed: ${Allow}`, {
        headers: { Allow },
      }),
      c,
    );
  })
  .onError(problem);

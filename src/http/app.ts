import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { AppError } from '../domain/errors.ts';
import type { AppContext, AppEnv } from './context.ts';
import { apiTaskRoutes } from './dialects/api-tasks.ts';
import { runTaskRoutes } from './dialects/run-task.ts';
import { crossOrigin, securityHeaders } from './middleware/headers.ts';
import { assignRequestId, bindServices } from './middleware/request-context.ts';
import { answerProblem } from './problem.ts';
import { auditRoutes } from './routes/audit.ts';
import { createDocumentRoutes } from './routes/documents.ts';
import { errorRoutes } from './routes/errors.ts';
import { eventRoutes } from './routes/events.ts';
import { archiveRoutes } from './routes/archive.ts';
import { exportRoutes } from './routes/export.ts';
import { restoreRoutes } from './routes/restore.ts';
import { fileRoutes } from './routes/files.ts';
import { flowRoutes } from './routes/flows/index.ts';
import { healthRoutes } from './routes/health.ts';
import { keyRoutes } from './routes/keys.ts';
import { createMcpRoutes } from './routes/mcp.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { ownerRoutes } from './routes/owners.ts';
import { queueRoutes } from './routes/queues.ts';
import { shardRoutes } from './routes/shards.ts';
import { sessionRoutes } from './routes/session.ts';
import { limitRoutes } from './routes/limits/index.ts';
import { scheduleRoutes } from './routes/schedules/index.ts';
import { statsRoutes } from './routes/stats.ts';
import { runRoutes } from './routes/runs/index.ts';
import { taskTypeRoutes } from './routes/task-types/index.ts';
import { workRoutes } from './routes/work.ts';
import { taskRoutes } from './routes/tasks/index.ts';
import { webhookSecretRoutes } from './routes/webhook-secret.ts';

const describeCall = (c: AppContext): string => `${c.req.method} ${c.req.path.slice(0, 200)}`;

/**
 * The path is known, the method is not: `OPTIONS` gets the allowed methods, any other method is
 * refused.
 */
const answerOtherMethod = (c: AppContext, methods: readonly string[]): Response => {
  const Allow = [...methods, 'OPTIONS'].join(', ');
  if (c.req.method === 'OPTIONS') return c.body(null, 204, { Allow });
  const message = `There is no ${describeCall(c)}; allowed: ${Allow}`;
  return answerProblem(new AppError('method_not_allowed', message, { headers: { Allow } }), c);
};

/**
 * The reader's map of the HTTP surface: what runs before every route, what is mounted where, how it
 * fails.
 */
export const app: Hono<AppEnv> = new Hono<AppEnv>({ strict: false });
app
  .use(securityHeaders)
  .use(assignRequestId)
  .use(bindServices)
  .use(crossOrigin)
  .use(methodNotAllowed({ app, onMethodNotAllowed: answerOtherMethod }))
  .route('/', healthRoutes)
  .route(
    '/',
    createDocumentRoutes(() => app),
  )
  .route(
    '/',
    createMcpRoutes(() => app),
  )
  .route('/', metricsRoutes)
  .route('/', statsRoutes)
  .route('/', errorRoutes)
  .route('/', eventRoutes)
  .route('/tasks', taskRoutes)
  .route('/task-types', taskTypeRoutes)
  .route('/work', workRoutes)
  .route('/runs', runRoutes)
  .route('/export', exportRoutes)
  .route('/archive', archiveRoutes)
  .route('/restore', restoreRoutes)
  .route('/files', fileRoutes)
  .route('/queues', queueRoutes)
  .route('/schedules', scheduleRoutes)
  .route('/limits', limitRoutes)
  .route('/flows', flowRoutes)
  .route('/keys', keyRoutes)
  .route('/session', sessionRoutes)
  .route('/owners', ownerRoutes)
  .route('/shards', shardRoutes)
  .route('/audit', auditRoutes)
  .route('/webhook-secret', webhookSecretRoutes)
  // Older APIs, each a thin adapter onto the same commands.
  .route('/', runTaskRoutes)
  .route('/api/tasks', apiTaskRoutes)
  .notFound((c) => {
    const message = `There is no ${describeCall(c)}; GET /openapi.json lists what there is`;
    return answerProblem(new AppError('route_not_found', message), c);
  })
  .onError(answerProblem);

import { MAX_RETURNED_BYTES } from '../domain/body.ts';
import { Busy } from '../domain/busy.ts';
import type { TryOutcome } from '../domain/delivery-gate.ts';
import { WEBHOOK_OVERLAP_MS } from '../domain/delivery.ts';
import { deriveTypeSecret } from '../domain/derived-secret.ts';
import { describeError, GiveUp, HandedOver, RetryLater } from '../domain/errors.ts';
import { findUrlProblem, type OutgoingRules } from '../domain/outgoing.ts';
import type { RegisteredType } from '../domain/registered-type.ts';
import { parseRetryAfter } from '../domain/retry.ts';
import { toRunView } from '../domain/run-view.ts';
import { signRunToken } from '../domain/run-token.ts';
import type { Attempt } from '../domain/attempts.ts';
import type { Task } from '../domain/task.ts';
import type { CallEndpoint, EndpointCall } from '../handlers/outside-run.ts';
import type { TaskTypeStore } from '../store/task-types.ts';
import { isEventStream } from '../domain/media-type.ts';
import { readEventStream, readTextStream } from './endpoint-stream.ts';
import type { Planner } from './plan.ts';
import { readBodyText } from './read-body-text.ts';
import { signWebhook } from './webhook.ts';

/** Bytes of a refusal that are told. */
const MAX_TOLD_BYTES = 2_048;
/** So often in a row an endpoint may say that it has too much to do, for nothing. */
const MAX_BUSY = 100;
/** What it means without a Retry-After. */
const BUSY_MS = 30_000;
const BUSY = [429, 503];
const BUSY_CODE = 'endpoint_busy';

export interface EndpointDeps {
  root: string | undefined;
  rules: OutgoingRules;
  fetch: typeof fetch;
  planner: Pick<Planner, 'plan'>;
  taskTypes: Pick<TaskTypeStore, 'pause'>;
  now(): number;
}

/** What the requests of a type are signed with: one secret, or two on the day after a rotation. */
export const deriveTypeSecrets = (
  root: string,
  row: RegisteredType,
  now: number,
): Promise<string[]> => {
  const { secret_version: version, secret_rotated_at: rotatedAt } = row;
  const hasPrevious = version > 0 && now < (rotatedAt ?? 0) + WEBHOOK_OVERLAP_MS;
  const versions = hasPrevious ? [version, version - 1] : [version];
  return Promise.all(versions.map((each) => deriveTypeSecret(root, row, each)));
};

/** How often in a row, until now, the endpoint had too much to do. */
const countBusy = ({ attempts }: Pick<Task, 'attempts'>): number => {
  const codes = (JSON.parse(attempts) as Attempt[]).map(({ error }) => error?.code);
  return codes.length - 1 - codes.findLastIndex((code) => code !== BUSY_CODE);
};

const isText = (response: Response): boolean =>
  /^(text\/plain|application\/(problem\+)?json)\b/i.test(
    response.headers.get('Content-Type') ?? '',
  );
const isJson = (response: Response): boolean =>
  /^application\/([\w.+-]+\+)?json\b/i.test(response.headers.get('Content-Type') ?? '');

/** What a refusal says, as far as it is for people; never a page. */
const readRefusal = async (response: Response): Promise<string> => {
  const said = isText(response)
    ? await readBodyText(response, MAX_TOLD_BYTES, true).catch(() => '')
    : (await response.body?.cancel(), '');
  const where = response.headers.get('Location');
  const more = said?.trim() ? `: ${said.trim()}` : '';
  return `The endpoint answered ${response.status}${where === null ? '' : ` (Location: ${where.slice(0, 200)})`}${more}`;
};

/** The result, if the type's own schema lets it pass. */
const checkResult = (result: unknown, { findResultProblem }: EndpointCall['outside']): unknown => {
  const problem = findResultProblem(result);
  if (problem === null) return result;
  throw new GiveUp(`The result does not fit: ${problem}`, 'invalid_result');
};

/** The result in an answer; throws where there is none that can be taken. */
const readResult = async (
  response: Response,
  outside: EndpointCall['outside'],
): Promise<unknown> => {
  const refuse = (message: string, code = 'bad_answer'): never => {
    throw new GiveUp(message, code);
  };
  const text = await readBodyText(response, MAX_RETURNED_BYTES).catch((error: unknown) => {
    if (error instanceof TypeError) refuse('The answer is no UTF-8');
    throw error;
  });
  if (text === null)
    return refuse(
      'The answer has more than 5 MB: write it to a file and return its name',
      'result_too_large',
    );
  let result: unknown = null;
  if (text.trim() !== '') {
    if (!isJson(response)) {
      const type = response.headers.get('Content-Type') ?? 'no Content-Type';
      return refuse(
        `The endpoint answered with ${type.slice(0, 100)}: answer with JSON, or with nothing`,
      );
    }
    try {
      result = JSON.parse(text);
    } catch (error) {
      return refuse(`The answer is no JSON: ${describeError(error)}`);
    }
  }
  return checkResult(result, outside);
};

/** Runs tasks by HTTP endpoints of their owners, signed by Standard Webhooks. */
export const createEndpointCaller = (deps: EndpointDeps): CallEndpoint => {
  const { root, rules, planner, taskTypes, now } = deps;

  const post = async (call: EndpointCall, url: string): Promise<Response> => {
    const { outside, task, params, checkpoint, signal } = call;
    if (root === undefined) throw new GiveUp('The service has no ROOT_SECRET', 'not_configured');
    const body = JSON.stringify({
      ...toRunView(task),
      params,
      checkpoint,
      run_token: await signRunToken(root, task),
    });
    const id = `${task.id}.${task.attempt}`;
    const headers = {
      ...signWebhook(id, body, await deriveTypeSecrets(root, outside.row, now()), now()),
      'Idempotency-Key': task.id,
      ...(task.traceparent !== null && { traceparent: task.traceparent }),
    };
    try {
      return await deps.fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
    } catch (error) {
      if (signal.aborted) throw signal.reason as Error;
      throw new RetryLater(undefined, `No connection: ${describeError(error)}`, 'endpoint_error');
    }
  };

  /** An endpoint that has too much to do is left alone, and the task loses no attempt. */
  const comeBack = async ({ task }: EndpointCall, response: Response): Promise<never> => {
    const waitMs = parseRetryAfter(response.headers.get('Retry-After'), now()) ?? BUSY_MS;
    const message = await readRefusal(response);
    await taskTypes.pause(task.owner, task.type, now() + waitMs, now()).catch(() => null);
    const isRefunded = countBusy(task) < MAX_BUSY;
    throw new Busy(waitMs / 1_000, message, BUSY_CODE, isRefunded);
  };

  const readAnswer = async (call: EndpointCall, response: Response): Promise<unknown> => {
    const { status } = response;
    if (status === 202 && /^true$/i.test(response.headers.get('Tasker-Async') ?? '')) {
      await response.body?.cancel();
      throw new HandedOver();
    }
    if (response.ok && isEventStream(response))
      return checkResult(await readEventStream(response, call), call.outside);
    const isStreamed = /^true$/i.test(response.headers.get('Tasker-Stream') ?? '');
    if (response.ok && isStreamed && isText(response) && !isJson(response))
      return checkResult(await readTextStream(response, call), call.outside);
    if (response.ok) return readResult(response, call.outside);
    if (BUSY.includes(status)) return comeBack(call, response);
    const message = await readRefusal(response);
    if (status === 408 || status >= 500) throw new RetryLater(undefined, message, 'endpoint_error');
    throw new GiveUp(message, 'endpoint_refused');
  };

  return async (call) => {
    const { owner } = call.task;
    const url = call.outside.url ?? '';
    const problem = findUrlProblem(url, rules);
    if (problem !== null) throw new GiveUp(problem, 'refused_url');
    const { host, hostname } = new URL(url);
    // For development: everything is allowed to it.
    const isTrusted = rules.allowedHosts.some((each) => each === host || each === hostname);
    const plan = isTrusted ? null : await planner.plan([{ owner, host }]);
    const [waiting] = plan?.wait ?? [];
    if (waiting) {
      const seconds = Math.max(0, waiting.until - now()) / 1_000;
      const message = `${host} is called again in ${Math.ceil(seconds)} s: it failed, or has its share`;
      throw new RetryLater(seconds, message, 'endpoint_waits', true);
    }
    let outcome: TryOutcome = 'failed';
    try {
      const response = await post(call, url);
      // One that is busy pauses its type, and not its host.
      if (response.status < 500 || BUSY.includes(response.status)) outcome = 'delivered';
      return await readAnswer(call, response);
    } finally {
      await plan?.settle([{ host, outcome, retryAfterMs: 0 }]).catch(() => {});
    }
  };
};

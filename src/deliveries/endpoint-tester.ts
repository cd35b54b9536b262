import { v7 as uuidv7 } from 'uuid';
import { describeError } from '../domain/errors.ts';
import { findUrlProblem } from '../domain/outgoing.ts';
import { toRunView } from '../domain/run-view.ts';
import { signRunToken } from '../domain/run-token.ts';
import type { OutsideRun } from '../handlers/outside-run.ts';
import { deriveTypeSecrets, type EndpointDeps } from './endpoint.ts';
import { readBodyText } from './read-body-text.ts';
import { signWebhook } from './webhook.ts';

const TIMEOUT_MS = 10_000;
const MAX_TOLD_BYTES = 2_048;

/** What an endpoint answered to a test; `status` null: nothing. */
export interface EndpointTest {
  status: number | null;
  duration_ms: number;
  answer: string;
}

/** Sends an example to an endpoint, once, as a task would be: nothing is stored. */
export const createEndpointTester =
  ({ root, rules, fetch, now }: Pick<EndpointDeps, 'root' | 'rules' | 'fetch' | 'now'>) =>
  async ({ url, row }: OutsideRun, example: unknown): Promise<EndpointTest> => {
    const startedAt = now();
    const tell = (status: number | null, answer: string): EndpointTest => ({
      status,
      duration_ms: now() - startedAt,
      answer,
    });
    const problem = findUrlProblem(url ?? '', rules);
    if (problem !== null || root === undefined || url === null)
      return tell(null, problem ?? 'The service has no ROOT_SECRET');
    const task = {
      owner: row.owner,
      id: uuidv7(),
      type: row.name,
      attempt: 1,
      tags: '["test"]',
      submitted_at: now(),
    };
    const body = JSON.stringify({
      ...toRunView(task),
      params: example,
      checkpoint: null,
      run_token: await signRunToken(root, task),
    });
    const headers = {
      ...signWebhook(`${task.id}.1`, body, await deriveTypeSecrets(root, row, now()), now()),
      'Idempotency-Key': task.id,
    };
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const init = { method: 'POST', headers, body, redirect: 'manual', signal } as const;
      const response = await fetch(url, init);
      return tell(response.status, (await readBodyText(response, MAX_TOLD_BYTES, true)) ?? '');
    } catch (error) {
      return tell(null, `No answer: ${describeError(error)}`);
    }
  };

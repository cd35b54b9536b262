import { toDeliveryId, type Delivery, type DeliveryResult } from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import { taskFailed } from '../handlers/email/task-failed.ts';
import { render } from '../handlers/email/template.ts';
import type { SendMail } from '../handlers/handler.ts';
import type { Words } from './digest.ts';
import type { FlowEvent, TaskEvent } from './event.ts';
import type { WebhookSender } from './webhook.ts';

const MAIL_TIMEOUT_MS = 10_000;

export interface DeliverySenderDeps {
  webhooks: WebhookSender;
  sendMail: SendMail;
  /** What an owner's callbacks are signed with. */
  findSecrets(owner: string): Promise<string[]>;
  settings: {
    /** What the operator's own webhook is signed with. */
    WEBHOOK_SECRETS: readonly string[];
    FAILURE_WEBHOOK_URL?: string | undefined;
    FAILURE_EMAIL_TO?: string | undefined;
    EMAIL_FROM?: string[] | undefined;
  };
}

const failUnset = (name: string): DeliveryResult => ({
  kind: 'failed',
  error: `${name} is no longer set`,
  final: true,
});

/** The mail about one failure. */
export const writeFailure = ({ owner, data }: TaskEvent): Words => {
  const { task_id, type, title, error, attempt, completed_at } = data;
  const variables = {
    task_id,
    type,
    title,
    owner,
    error: error?.message,
    code: error?.code,
    attempts: attempt,
    ended_at: completed_at,
  };
  return { subject: `Task failed: ${type}`, ...render(taskFailed, variables) };
};

/** Sends one delivery to its sink, once; never throws. */
export const createDeliverySender = (deps: DeliverySenderDeps) => {
  const { webhooks, sendMail, findSecrets, settings } = deps;

  /** Sends a mail about failures to the operator. */
  const mail = async (words: Words, id: string): Promise<DeliveryResult> => {
    const { FAILURE_EMAIL_TO: to, EMAIL_FROM: [from] = [] } = settings;
    if (!to || !from) return failUnset('FAILURE_EMAIL_TO');
    const headers = { 'X-Tasker-Delivery': id };
    try {
      await withTimeout(MAIL_TIMEOUT_MS, sendMail({ from, to: [to], headers, ...words }));
      return { kind: 'delivered' };
    } catch (failure) {
      return { kind: 'failed', error: `The mail was not taken: ${describeError(failure)}` };
    }
  };

  /** Where a delivery goes by HTTP; null for a mail, and for what is no longer set. */
  const findUrl = ({ sink }: Delivery, subject: Pick<Task, 'callback_url'>): string | null => {
    if (sink === 'failure_email') return null;
    return (sink === 'callback' ? subject.callback_url : settings.FAILURE_WEBHOOK_URL) ?? null;
  };

  return {
    mail,
    findUrl,

    /** Posts a delivery to its URL, signed by its owner's secret or by the operator's. */
    async post(
      delivery: Delivery,
      subject: Pick<Task, 'callback_url'>,
      event: TaskEvent | FlowEvent,
    ): Promise<DeliveryResult> {
      const isCallback = delivery.sink === 'callback';
      const url = findUrl(delivery, subject);
      if (!url) return failUnset(isCallback ? 'callback_url' : 'FAILURE_WEBHOOK_URL');
      const secrets = isCallback ? await findSecrets(delivery.owner) : settings.WEBHOOK_SECRETS;
      return webhooks.post(url, toDeliveryId(delivery), event, secrets);
    },
  };
};

export type DeliverySender = ReturnType<typeof createDeliverySender>;

import { toDeliveryId, type Delivery, type DeliveryResult } from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import { taskFailed } from '../handlers/email/task-failed.ts';
import { render } from '../handlers/email/template.ts';
import type { SendMail } from '../handlers/handler.ts';
import type { TaskEvent } from './deliverer.ts';
import type { WebhookSender } from './webhook.ts';

const MAIL_TIMEOUT_MS = 10_000;

export interface DeliverySenderDeps {
  webhooks: WebhookSender;
  sendMail: SendMail;
  settings: {
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

const renderMail = ({
  owner,
  data,
}: TaskEvent): { subject: string; text: string; html: string } => {
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
export const createDeliverySender = ({ webhooks, sendMail, settings }: DeliverySenderDeps) => {
  const mailFailure = async (event: TaskEvent, id: string): Promise<DeliveryResult> => {
    const { FAILURE_EMAIL_TO: to, EMAIL_FROM: [from] = [] } = settings;
    if (!to || !from) return failUnset('FAILURE_EMAIL_TO');
    const headers = { 'X-Tasker-Delivery': id };
    try {
      const mail = { from, to: [to], headers, ...renderMail(event) };
      await withTimeout(MAIL_TIMEOUT_MS, sendMail(mail));
      return { kind: 'delivered' };
    } catch (failure) {
      return { kind: 'failed', error: `The mail was not taken: ${describeError(failure)}` };
    }
  };

  return async (delivery: Delivery, task: Task, event: TaskEvent): Promise<DeliveryResult> => {
    const id = toDeliveryId(delivery);
    if (delivery.sink === 'failure_email') return mailFailure(event, id);
    const isCallback = delivery.sink === 'callback';
    const url = isCallback ? task.callback_url : settings.FAILURE_WEBHOOK_URL;
    if (!url) return failUnset(isCallback ? 'callback_url' : 'FAILURE_WEBHOOK_URL');
    return webhooks.post(url, id, event);
  };
};

import { chunk } from '../domain/chunk.ts';
import { MESSAGE_VERSION, type TaskMessage } from '../domain/task.ts';

export type Messages = readonly Message<TaskMessage>[];

/** Tasks that are claimed with one statement and run side by side. */
const MAX_TOGETHER = 1_000;

/** Whether it is a message of this version; one of a release before the version counts as one. */
export const isTaskMessage = ({ body }: Message<TaskMessage>): boolean =>
  (body?.v ?? MESSAGE_VERSION) === MESSAGE_VERSION &&
  typeof body?.owner === 'string' &&
  Array.isArray(body.ids) &&
  body.ids.every((id) => typeof id === 'string');

/**
 * A batch as groups that are claimed together, the isolated messages each on its own; what is no
 * message of ours is acked.
 */
export const parseMessages = (messages: Messages): Messages[] => {
  const valid = messages.filter(isTaskMessage);
  for (const message of messages) if (!isTaskMessage(message)) message.ack();
  const isolated = valid.filter(({ body }) => body.isolated);
  const shared = valid.filter(({ body }) => !body.isolated);
  return [
    ...chunk(shared, { sizeOf: ({ body }) => body.ids.length, maxSize: MAX_TOGETHER }),
    ...isolated.map((message) => [message]),
  ];
};

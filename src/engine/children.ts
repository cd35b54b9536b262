import { AppError, GiveUp, RetryLater } from '../domain/errors.ts';
import { MAX_CHILDREN } from '../domain/run-limits.ts';
import type { Task } from '../domain/task.ts';
import type { ChildTask } from '../handlers/run-voice-context.ts';
import type { Family } from '../store/family.ts';
import type { Submission } from './submission.ts';
import type { Submitted } from './store-submitted.ts';

/** Tasks above a task. */
const MAX_DEPTH = 16;

export interface ChildrenDeps {
  submit(submission: Submission): Promise<Submitted[]>;
  family: Pick<Family, 'countAncestors'>;
  /** Whether the owner may run one more task of a metered type just now; if so it is counted. */
  tryConsume(owner: string): Promise<boolean>;
  /** The service's own host name, where it is known without a request. */
  publicHost: string;
}

/** As a handler hears of it: what may pass by itself is tried again. */
const toHandlerError = (error: unknown): unknown => {
  if (!(error instanceof AppError)) return error;
  const { code, message, errors = [], retryAfterSeconds } = error;
  if (retryAfterSeconds !== undefined || code === 'database_unavailable')
    return new RetryLater(retryAfterSeconds, message, code);
  const details = errors.map((each) => `${each.path}: ${each.message}`);
  return new GiveUp([message, ...details].join('; '), code);
};

/**
 * Submits tasks for a run, their parent. The n-th of a run has a key of its own, so that a run that is
 * repeated makes none twice.
 */
export const createChildren = ({ submit, family, tryConsume, publicHost }: ChildrenDeps) => {
  const assertDepth = async ({ owner, id, parent_id }: Task): Promise<void> => {
    const above = parent_id === null ? 0 : await family.countAncestors({ owner, id }, MAX_DEPTH);
    if (above + 1 > MAX_DEPTH)
      throw new AppError('task_rejected', `Tasks are nested ${MAX_DEPTH} deep at most`);
  };

  /**
   * @param taskTypes the types that may be submitted; null: any
   * @throws AppError
   */
  const submitChild = async (
    parent: Task,
    n: number,
    child: ChildTask,
    taskTypes: readonly string[] | null = null,
    ownHost = publicHost,
  ): Promise<Submitted> => {
    if (n >= MAX_CHILDREN)
      throw new AppError('task_rejected', `A run submits ${MAX_CHILDREN} tasks at most`);
    await assertDepth(parent);
    const { owner, id, request_id, traceparent } = parent;
    const [submitted] = await submit({
      requests: [{ priority: parent.priority, ...child }],
      caller: {
        owner,
        requestId: request_id ?? '',
        ownHost,
        taskTypes,
        parentId: id,
        traceparent,
        fields: { type: 'type', params: 'params' },
      },
      findKey: () => `child:${id}:${n}`,
      isBulk: false,
      async consumeMetered() {
        if (await tryConsume(owner)) return;
        const message = 'Tasks that cost money are submitted too fast';
        throw new AppError('rate_limited', message, { retryAfterSeconds: 10 });
      },
    });
    return submitted as Submitted;
  };

  return {
    submitChild,
    /** The same for a handler, which hears of errors as handlers throw them. */
    async submitForHandler(parent: Task, n: number, child: ChildTask): Promise<{ taskId: string }> {
      try {
        return { taskId: (await submitChild(parent, n, child)).task.id };
      } catch (error) {
        throw toHandlerError(error);
      }
    },
  };
};

import { describeError } from '../domain/errors.ts';
import { BLOCKED_BY, isListNode, isOfFlow, type FlowTask } from '../domain/flow.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { ChangedTask, CommittedTask, TaskError } from '../domain/task.ts';
import { isFinal } from '../domain/words.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { Logger } from '../log.ts';
import { classifyFailure } from '../store/failure.ts';
import type { Released, ReleaseStore } from '../store/releases.ts';
import type { LimitAdmission } from './admission.ts';
import { createFlowEnds, type FlowEndDeps } from './flow-ends.ts';
import type { FlowLists } from './flow-lists.ts';
import { prepareNode, type NodeDeps } from './flow-node.ts';
import { fillTemplate, TOO_LARGE, type ReadFlowValues } from './flow-values.ts';
import type { FlowValues } from './node-values.ts';
import type { Publish } from './publisher.ts';
import type { TaskQueues } from './task-queues.ts';

/** Nodes that are released together. */
const MAX_ROWS = 250;
/** What could not be released is looked at again after this. */
const RETRY_MS = 5_000;

export interface FlowReleaseDeps extends NodeDeps, FlowEndDeps {
  releases: ReleaseStore;
  values: ReadFlowValues;
  lists: FlowLists;
  catalog: Pick<Catalog, 'find' | 'load'>;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  admission: Pick<LimitAdmission, 'admitAfter'>;
  publish: Publish;
  /** Sets the Dispatcher's alarm; awaited before any row is due. */
  ensureAlarmBy(at: number): Promise<void>;
  log: Logger;
}

/**
 * The release step: what nothing keeps any more is filled in, checked as a submit is, and made runnable;
 * what cannot run is cancelled. Guarded and repeatable: it follows each end, and the clock calls it for
 * what a crash left.
 */
export const createFlowRelease = (deps: FlowReleaseDeps) => {
  const { releases, values, lists, catalog, taskQueues, admission, publish } = deps;
  const { ensureAlarmBy, now, log } = deps;
  const noteEnds = createFlowEnds(deps);

  /** Plain nodes: one write for those that may run, and one for those that cannot. */
  const releaseNodes = async (
    tasks: readonly FlowTask[],
    found: FlowValues | null,
  ): Promise<CommittedTask[]> => {
    const rows: Released[] = [];
    const failed: (Pick<FlowTask, 'owner' | 'id' | 'version'> & { error: TaskError })[] = [];
    for (const task of tasks) {
      const { owner, id, version } = task;
      const filled = found ? fillTemplate(task, found, found.readItem(task)) : { error: TOO_LARGE };
      const prepared = prepareNode(task, filled, deps);
      if ('error' in prepared) failed.push({ owner, id, version, error: prepared.error });
      else rows.push({ owner, id, version, ...prepared });
    }
    const given = new Map(tasks.map((task) => [task.id, task.params]));
    for (const { id, params } of rows) if (params !== null) given.set(id, params);
    const released = await releases.release(rows, now());
    return [
      ...released.map((row) => ({ ...row, params: given.get(row.id) ?? '{}', result: null })),
      ...(await releases.fail(failed, now())),
    ];
  };

  const loadTypes = async (tasks: readonly FlowTask[]): Promise<void> => {
    for (const [owner, some] of Map.groupBy(tasks, (task) => task.owner))
      await catalog.load(
        owner,
        some.map(({ type }) => type),
      );
  };

  const releaseTogether = async (tasks: readonly FlowTask[]): Promise<CommittedTask[]> => {
    const stopped = tasks.filter(({ blocked_by }) => blocked_by === BLOCKED_BY.upstreamFailed);
    const ready = tasks.filter(({ blocked_by }) => blocked_by === BLOCKED_BY.ready);
    const isOver = (task: FlowTask): boolean => isListNode(task) && task.items !== null;
    await loadTypes(ready);
    const changed = await releases.cancelStopped(stopped, now());
    const more: CommittedTask[] = await lists.end(ready.filter(isOver));
    for await (const group of values.readInGroups(ready.filter((task) => !isListNode(task))))
      more.push(...(await releaseNodes(group.tasks, group.values)));
    const toExpand = ready.filter((task) => isListNode(task) && task.items === null);
    for await (const group of values.readInGroups(toExpand))
      for (const task of group.tasks) more.push(...(await lists.expand(task, group.values)));
    return [...changed, ...more];
  };

  /** One node that the database refuses must not hold up the others. */
  const releaseEach = async (tasks: readonly FlowTask[]): Promise<CommittedTask[]> => {
    try {
      return await releaseTogether(tasks);
    } catch (error) {
      if (classifyFailure(error) !== 'constraint') throw error;
      const message = describeError(error);
      if (tasks.length === 1)
        return releases.fail(
          tasks.map((task) => ({ ...task, error: { code: 'not_released', message } })),
          now(),
        );
    }
    const changed: CommittedTask[] = [];
    for (const task of tasks) changed.push(...(await releaseEach([task])));
    return changed;
  };

  /** What has changed goes to its queue, and is told. */
  const release = async (tasks: readonly FlowTask[]): Promise<CommittedTask[]> => {
    // What ends may have something to deliver, and what begins a message that is lost.
    await ensureAlarmBy(now() + RESEND_AFTER_MS);
    const changed = await releaseEach(tasks);
    const isDue = ({ status, held }: CommittedTask): boolean =>
      status === 'PENDING' && held === null;
    const times = changed.flatMap(({ held, wake_at }) => (held === 'time' ? (wake_at ?? []) : []));
    if (times.length > 0) await ensureAlarmBy(Math.min(...times));
    await Promise.all([
      publish(changed),
      taskQueues.enqueue(changed.filter(isDue)),
      admission.admitAfter(changed),
    ]);
    return changed;
  };

  /** As long as ends make others ready. */
  const followEnds = async (changed: readonly ChangedTask[]): Promise<void> => {
    let ended = changed.filter(isOfFlow).filter(({ status }) => isFinal(status));
    while (ended.length > 0) {
      const { tasks, hasMore } = await releases.findAfter(ended, MAX_ROWS);
      const found = tasks.filter(isOfFlow);
      if (found.length === 0) return noteEnds(ended);
      const more = (await release(found)).filter(isOfFlow);
      if (more.length === 0) return;
      ended = [...(hasMore ? ended : []), ...more.filter(({ status }) => isFinal(status))];
    }
  };

  /** Never throws: what is forgotten here the clock finds. */
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn('release_failed', { error: describeError(error) });
      await ensureAlarmBy(now() + RETRY_MS).catch(() => {});
    }
  };

  const releaseDue = async (): Promise<boolean> => {
    let isFull = false;
    await attempt(async () => {
      const { tasks, hasMore } = await releases.findDue(now(), MAX_ROWS);
      const found = tasks.filter(isOfFlow);
      if (found.length === 0) return;
      const changed = await release(found);
      isFull = hasMore && changed.length > 0;
      await followEnds(changed);
    });
    return isFull;
  };

  return {
    /** After these have changed: an end, or a command after which nothing keeps them any more. */
    async releaseAfter(changed: readonly ChangedTask[]): Promise<void> {
      if (!changed.some(isOfFlow)) return;
      if (changed.some(({ held }) => held === 'flow')) await releaseDue();
      await attempt(() => followEnds(changed));
    },

    /** For the clock: what should have been released; returns whether there may be more. */
    releaseDue,
  };
};

export type FlowRelease = ReturnType<typeof createFlowRelease>;

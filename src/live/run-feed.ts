import type { Progress, RunReport, RunShown, RunsPublished } from '../domain/frames.ts';
import type { LogPart } from '../domain/run-log.ts';
import type { TaskView } from '../domain/view.ts';
import { createProgressMemory } from './progress-memory.ts';
import { createRunMemory } from './run-memory.ts';
import { sendListProgress } from './subscriber.ts';
import type { TaskFeed } from './task-feed.ts';

/** Sends what running tasks say to those who watch, and remembers it for those who come late. */
export const createRunFeed = (deps: {
  watched: Pick<TaskFeed, 'sendProgress' | 'sendReport'>;
  /** The streams of the whole list. */
  findListSockets(): WebSocket[];
}) => {
  const { watched, findListSockets } = deps;
  const progress = createProgressMemory();
  const runs = createRunMemory();
  return {
    apply: progress.apply,
    readProgress: progress.get,
    readRun: runs.read,

    /** Of those that run no longer nothing is remembered. */
    forget(tasks: readonly Pick<TaskView, 'task_id' | 'status' | 'progress'>[]): void {
      progress.forget(tasks);
      runs.forget(tasks);
    },

    /**
     * Progress goes to the list as well. Tells whether anybody watches one of these, and what is
     * known here of the runs that are watched.
     */
    publish(steps: readonly Progress[], reports: readonly RunReport[]): RunsPublished {
      progress.keep(steps);
      for (const socket of findListSockets()) sendListProgress(socket, steps);
      const isWatched = steps.map((step) => watched.sendProgress(step)).includes(true);
      const shown: Record<string, RunShown> = {};
      for (const report of reports) {
        const known = watched.sendReport(report) ? runs.keep(report) : null;
        if (known) shown[report.task_id] = known;
      }
      return { isWatched: isWatched || Object.keys(shown).length > 0, shown };
    },

    /** What a run outside says, which is kept here alone; tells whether anybody watches it. */
    append(id: string, attempt: number, said: { text?: string; log?: LogPart }): boolean {
      const report = runs.append(id, attempt, said);
      return report !== null && watched.sendReport(report);
    },
  };
};

import { createCoalescer } from '../domain/coalescer.ts';
import { describeError } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import type { RunLogs } from '../store/run-logs.ts';
import type { RunVoice } from './run-voice.ts';

/** While a task runs, its log is stored this often. */
const SAVE_EVERY_MS = 30_000;
/** Logs of runs that end this close to each other share a statement. */
const GATHER_MS = 4;

export interface LogSaverDeps {
  runLogs: Pick<RunLogs, 'append'>;
  log: Logger;
}

/** Stores the logs of tasks that run together, a statement for all of them. */
export const createLogSaver = ({ runLogs, log }: LogSaverDeps) => {
  const voices = new Set<RunVoice>();
  let last = Promise.resolve();

  const append = async (speaking: readonly RunVoice[]): Promise<void> => {
    const parts = speaking.flatMap((voice) => voice.listUnstored() ?? []);
    if (parts.length === 0) return;
    try {
      await runLogs.append(parts);
      const byId = new Map(parts.map((part) => [part.id, part]));
      for (const voice of speaking) {
        const part = byId.get(voice.id);
        if (part) voice.noteStored(part);
      }
    } catch (error) {
      // One that the database does not take must not cost the others theirs.
      if (speaking.length > 1) for (const voice of speaking) await append([voice]);
      // A log is not worth the task: its outcome is recorded in any case.
      else log.warn('logs_not_stored', { tasks: 1, error: describeError(error) });
    }
  };
  const save = (): void => {
    last = last.then(() => append([...voices]));
  };
  const saves = createCoalescer(save);
  const ends = createCoalescer(save);

  return {
    /** This run has lines that are not stored. */
    add(voice: RunVoice): void {
      voices.add(voice);
      saves.request(SAVE_EVERY_MS);
    },
    /** The run is over: resolves when all its lines are stored. */
    async finish(voice: RunVoice): Promise<void> {
      if (!voices.has(voice)) return;
      ends.request(GATHER_MS);
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      await last;
      voices.delete(voice);
      if (voices.size === 0) saves.cancel();
    },
    stop(): void {
      saves.cancel();
      ends.cancel();
    },
  };
};

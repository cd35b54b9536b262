import { createLogBudget, type LogLine } from '../domain/run-log.ts';
import type { RunKey } from '../domain/run-token.ts';
import type { RunLogs, StoredPart } from '../store/run-logs.ts';

/** Two calls for one run at the same time: the later one looks again. */
const TRIES = 3;

/** Writes what runs outside say into their logs, within what an attempt may keep. */
export const createRunJournal = (runLogs: Pick<RunLogs, 'appendOutside' | 'readUsed'>) => ({
  /**
   * Stores lines behind those that are there.
   * @param dropped lines after them that the caller did not keep
   * @param first their place, where the caller counts: what is there already is not stored again
   * @returns what was stored, and how many lines there are now; null: the run is over
   */
  async write(
    run: RunKey,
    lines: readonly LogLine[],
    first?: number,
    dropped = 0,
  ): Promise<{ part: StoredPart; count: number } | null> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const used = await runLogs.readUsed(run);
      const fresh = lines.slice(first === undefined ? 0 : Math.max(0, used.lines - first));
      const budget = createLogBudget(used);
      const taken = fresh.filter((line) => budget.take(line));
      const part = { first: used.lines, lines: taken, cut: fresh.length - taken.length + dropped };
      const count = used.lines + taken.length;
      if (taken.length === 0 && part.cut === 0) return { part, count };
      const isWritten = await runLogs.appendOutside({ ...run, ...part });
      if (isWritten || taken.length === 0) return { part, count };
      // Over, or another call was faster: then there are more lines now.
      if ((await runLogs.readUsed(run)).lines === used.lines) return null;
    }
    return null;
  },
});

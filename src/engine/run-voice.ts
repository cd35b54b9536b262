import { createLogBudget, toLogLine, type LogLevel, type LogLine } from '../domain/run-log.ts';
import type { RunReport, RunShown } from '../domain/frames.ts';
import { MAX_OUTPUT_CHARS } from '../domain/run-limits.ts';
import type { Task } from '../domain/task.ts';

/** Lines of a run that are not stored yet. `cut`: lines after them that did not fit. */
export interface UnstoredLog {
  owner: string;
  id: string;
  attempt: number;
  first: number;
  lines: LogLine[];
  cut: number;
}

/**
 * What one run says: its log, which is stored, and its output, which is shown to those who watch. It
 * remembers what the board has, so that nothing is sent twice, and nothing to nobody.
 */
export const createRunVoice = (
  { owner, id, attempt }: Pick<Task, 'owner' | 'id' | 'attempt'>,
  now: () => number,
) => {
  const budget = createLogBudget();
  const lines: LogLine[] = [];
  let cut = 0;
  let stored = { lines: 0, cut: 0 };
  let tail = '';
  let length = 0;
  // Until it is known whether anybody watches, somebody does.
  let shown: RunShown | null = { attempt, output: 0, lines: 0 };

  return {
    owner,
    id,

    log(level: LogLevel, message: unknown, fields: unknown): void {
      // Full: nothing more is even looked at.
      const line = budget.isFull ? null : toLogLine(level, message, fields, now());
      if (line && budget.take(line)) lines.push(line);
      else cut += 1;
    },

    output(text: string): void {
      length += text.length;
      tail = text.length >= MAX_OUTPUT_CHARS ? text : tail + text;
      if (tail.length > 2 * MAX_OUTPUT_CHARS || text.length >= MAX_OUTPUT_CHARS)
        tail = tail.slice(-MAX_OUTPUT_CHARS);
    },

    /** Whether there is something that the board has not. */
    hasNews: (): boolean => (shown?.output ?? 0) < length || (shown?.lines ?? 0) < lines.length,

    /** Whether somebody watches, as far as it is known. */
    isWatched: (): boolean => shown !== null,

    /** What the board has not; while nobody watches, nothing but the question. */
    takeReport(): RunReport {
      const isWhole = shown?.output === 0 && shown.lines === 0;
      const report = { task_id: id, attempt, isWhole };
      if (shown === null) return { ...report, output: null, log: null };
      const kept = tail.slice(-MAX_OUTPUT_CHARS);
      const offset = Math.max(shown.output, length - kept.length);
      const text = offset < length ? kept.slice(offset - length) : '';
      const first = Math.min(shown.lines, lines.length);
      return {
        ...report,
        output: text === '' ? null : { offset, text },
        log: first === lines.length ? null : { first, lines: lines.slice(first) },
      };
    },

    /** What the board says that it has; undefined: nobody watches. */
    hear(answer: RunShown | undefined): void {
      shown = answer ?? null;
    },

    /** Lines that are not stored yet; null for none. */
    listUnstored(): UnstoredLog | null {
      if (stored.lines === lines.length && stored.cut === cut) return null;
      const fresh = lines.slice(stored.lines);
      return { owner, id, attempt, first: stored.lines, lines: fresh, cut: cut - stored.cut };
    },

    /** These are stored now; what comes later is for another row. */
    noteStored({ first, lines: written, cut: counted }: UnstoredLog): void {
      stored = { lines: first + written.length, cut: stored.cut + counted };
    },
  };
};

export type RunVoice = ReturnType<typeof createRunVoice>;

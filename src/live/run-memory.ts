import { toLogLineView, type Frame, type RunReport, type RunShown } from '../domain/frames.ts';
import type { LogLine } from '../domain/run-log.ts';
import { MAX_OUTPUT_CHARS } from '../domain/run-limits.ts';
import type { TaskView } from '../domain/view.ts';

/** What is kept of all runs, about. */
const MAX_KEPT_CHARS = 4_000_000;
/** A line of a log with what is around it. */
const LINE_CHARS = 100;

interface Kept {
  attempt: number;
  offset: number;
  text: string;
  first: number;
  lines: LogLine[];
  size: number;
}

const sizeOf = (lines: readonly LogLine[]): number =>
  lines.reduce(
    (sum, { message, fields }) =>
      sum + LINE_CHARS + message.length + (fields ? JSON.stringify(fields).length : 0),
    0,
  );

/**
 * What running tasks said lately, for those who begin to watch in the middle. The oldest is forgotten
 * first; whoever runs a task may have more of it.
 */
export const createRunMemory = () => {
  const kept = new Map<string, Kept>();
  let size = 0;

  const forget = (id: string): void => {
    size -= kept.get(id)?.size ?? 0;
    kept.delete(id);
  };

  const change = (id: string, run: Kept, more: Partial<Kept>, grown: number): void => {
    forget(id);
    const changed = { ...run, ...more, size: run.size + grown };
    kept.set(id, changed);
    size += changed.size;
    // Oldest first: a Map keeps the order in which its entries came.
    for (const oldest of kept.keys()) {
      if (size <= MAX_KEPT_CHARS || oldest === id) break;
      forget(oldest);
    }
  };

  const begin = (id: string, attempt: number, offset = 0, first = 0): Kept => {
    forget(id);
    const run = { attempt, offset, text: '', first, lines: [], size: LINE_CHARS };
    kept.set(id, run);
    size += run.size;
    return run;
  };

  /** What comes after a gap begins anew. */
  const addOutput = (id: string, run: Kept, offset: number, added: string): void => {
    const isAfterGap = offset > run.offset + run.text.length;
    const before = isAfterGap ? '' : run.text.slice(0, Math.max(0, offset - run.offset));
    const text = before + added;
    const cut = Math.max(0, text.length - MAX_OUTPUT_CHARS);
    const more = {
      text: text.slice(cut),
      offset: (isAfterGap ? offset : Math.min(offset, run.offset)) + cut,
    };
    change(id, run, more, more.text.length - run.text.length);
  };

  const addLines = (id: string, run: Kept, first: number, added: readonly LogLine[]): void => {
    const isAfterGap = first > run.first + run.lines.length;
    const before = isAfterGap ? [] : run.lines.slice(0, Math.max(0, first - run.first));
    const lines = [...before, ...added];
    const more = { lines, first: isAfterGap ? first : Math.min(first, run.first) };
    change(id, run, more, sizeOf(lines) - sizeOf(run.lines));
  };

  return {
    /**
     * Keeps what a run says, and tells how much of it is here; null: a later attempt runs by now.
     * Nothing, when this was forgotten meanwhile: then it is sent anew.
     */
    keep({ task_id, attempt, output, log, isWhole }: RunReport): RunShown | null {
      const known = kept.get(task_id);
      if (known && known.attempt > attempt) return null;
      if (known?.attempt !== attempt && !isWhole) return { attempt, output: 0, lines: 0 };
      if (known?.attempt !== attempt) begin(task_id, attempt, output?.offset, log?.first);
      if (output) addOutput(task_id, kept.get(task_id) as Kept, output.offset, output.text);
      if (log) addLines(task_id, kept.get(task_id) as Kept, log.first, log.lines);
      const { offset, text, first, lines } = kept.get(task_id) as Kept;
      return { attempt, output: offset + text.length, lines: first + lines.length };
    },

    /** Adds what a run outside says, where the places of its lines may be known; null: a later one runs. */
    append(
      task_id: string,
      attempt: number,
      said: { text?: string; log?: { first: number; lines: LogLine[] } },
    ): RunReport | null {
      const known = kept.get(task_id);
      if (known && known.attempt > attempt) return null;
      const run =
        known?.attempt === attempt ? known : begin(task_id, attempt, 0, said.log?.first ?? 0);
      const report = { task_id, attempt, isWhole: false, output: null, log: null };
      if (said.text !== undefined) {
        const offset = run.offset + run.text.length;
        addOutput(task_id, run, offset, said.text);
        return { ...report, output: { offset, text: said.text } };
      }
      const { log = { first: 0, lines: [] } } = said;
      // Stored lines were shown before.
      const seen =
        run.lines.length === 0 ? 0 : Math.max(0, run.first + run.lines.length - log.first);
      addLines(task_id, run, log.first, log.lines);
      const fresh = { first: log.first + seen, lines: log.lines.slice(seen) };
      return { ...report, log: fresh.lines.length > 0 ? fresh : null };
    },

    /** What is kept of a task, as frames. */
    read(task_id: string): Frame[] {
      const run = kept.get(task_id);
      if (!run) return [];
      const { attempt, offset, text, first, lines } = run;
      return toFrames({
        task_id,
        attempt,
        isWhole: true,
        output: text === '' ? null : { offset, text },
        log: lines.length === 0 ? null : { first, lines },
      });
    },

    /** Tasks that run no longer. */
    forget(tasks: readonly Pick<TaskView, 'task_id' | 'status'>[]): void {
      for (const { task_id, status } of tasks) if (status !== 'IN_PROGRESS') forget(task_id);
    },
  };
};

/** A report as those who watch the task hear it. */
export const toFrames = ({ task_id, attempt, output, log }: RunReport): Frame[] => [
  ...(output ? [{ event: 'output' as const, task_id, attempt, ...output }] : []),
  ...(log
    ? [
        {
          event: 'log' as const,
          task_id,
          attempt,
          first: log.first,
          lines: log.lines.map(toLogLineView),
        },
      ]
    : []),
];

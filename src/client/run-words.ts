import type { LogLineView } from '../domain/frames.ts';
import { createLogBudget, toLogLine } from '../domain/run-log.ts';
import { startTimer } from '../domain/timer.ts';
import type { SendJson } from './request.ts';
import type { LogLevel } from './types.ts';

/** The log of a run is stored this often while it runs; and once more at its end. */
const STORE_EVERY_MS = 30_000;
/** How often lines are shown meanwhile: to somebody who reads along, and to find out whether. */
const SHOW_EVERY_MS = { watched: 1_000, unwatched: 3_000 };
/** Output that comes so close to each other is sent together. */
const GATHER_MS = 100;
const MAX_TEXT_CHARS = 65_000;
/** Lines of one call. */
const MAX_LINES = 500;

/** The log of a run, by level. */
export type WorkerLog = Record<LogLevel, (message: string, fields?: object) => void>;

/** What a handler says while its task runs. */
export interface RunWordsContext {
  /** Lines for the owner of the task: at most 1 000 and 64 KB an attempt, the oldest. */
  log: WorkerLog;
  /** Text as it comes, for those who watch; not stored. */
  output(text: string): void;
}

/**
 * What one run says, told to the service in as few calls as will do. Best effort.
 * @param send sends with the token of the run
 */
export const createRunWords = (send: SendJson, onError: (error: unknown) => void) => {
  const lines: LogLineView[] = [];
  const budget = createLogBudget();
  let [stored, shown, added, toldCut] = [0, 0, 0, 0];
  let isWatched = false;
  let text = '';
  let telling = Promise.resolve();
  let storedAt = Date.now();
  let stopTimer = (): void => {};
  let isTicking = false;

  const post = <T>(path: string, json: object): Promise<T> => send(path, { method: 'POST', json });

  const tell = (path: string, json: object): Promise<void> =>
    (telling = telling.then(async () => {
      try {
        const { watched } = await post<{ watched: boolean }>(path, json);
        const isNews = watched && !isWatched;
        isWatched = watched;
        if (isNews && isTicking) tickAnew();
      } catch (error) {
        onError(error);
      }
    }));

  const store = (): void => {
    storedAt = Date.now();
    const cut = added - lines.length;
    while (stored < lines.length || cut > toldCut) {
      const part = lines.slice(stored, stored + MAX_LINES);
      const isLast = stored + part.length === lines.length;
      const more = isLast ? { cut: cut - toldCut } : {};
      void tell('/runs/logs', { lines: part, first: stored, ...more });
      stored += part.length;
      if (isLast) toldCut = cut;
    }
    shown = stored;
  };
  const show = (): void => {
    const part = isWatched ? lines.slice(shown, shown + MAX_LINES) : [];
    void tell('/runs/logs', { lines: part, first: shown, live: true });
    shown += part.length;
  };
  const tick = (): void => {
    isTicking = false;
    if (stored === lines.length) return;
    if (Date.now() - storedAt >= STORE_EVERY_MS) store();
    else show();
    tickLater();
  };
  const tickLater = (): void => {
    if (isTicking) return;
    isTicking = true;
    stopTimer = startTimer(tick, SHOW_EVERY_MS[isWatched ? 'watched' : 'unwatched']);
  };

  /** Somebody begins to read along. */
  const tickAnew = (): void => {
    stopTimer();
    isTicking = false;
    tickLater();
  };

  const write = (level: LogLevel, message: string, fields?: object): void => {
    added += 1;
    // Full: nothing more is even looked at.
    if (budget.isFull) return;
    const line = toLogLine(level, message, fields, Date.now());
    if (!budget.take(line)) return;
    lines.push({ ...line, at: new Date(line.at).toISOString() });
    tickLater();
  };

  let stopText = (): void => {};
  let isGathering = false;
  const sendText = (): void => {
    isGathering = false;
    for (; text !== ''; text = text.slice(MAX_TEXT_CHARS))
      void tell('/runs/output', { text: text.slice(0, MAX_TEXT_CHARS) });
  };

  const context: RunWordsContext = {
    log: {
      debug: (...said) => write('debug', ...said),
      info: (...said) => write('info', ...said),
      warn: (...said) => write('warn', ...said),
      error: (...said) => write('error', ...said),
    },
    output(more) {
      text += more;
      if (isGathering) return;
      isGathering = true;
      stopText = startTimer(sendText, GATHER_MS);
    },
  };
  return {
    context,
    /** The run is over: resolves when all that it said is told. */
    async finish(): Promise<void> {
      stopTimer();
      stopText();
      if (text !== '') sendText();
      store();
      await telling;
    },
  };
};

import type { LogLineView } from '../domain/frames.ts';
import { createLogBudget, toLogLine } from '../domain/run-log.ts';
import { startTimer } from '../domain/timer.ts';
import { createDeferred } from './deferred.ts';
import { pause, TaskerError, type SendJson } from './request.ts';
import type { LogLevel } from './types.ts';

/** The log of a run is stored this often while it runs; and once more at its end. */
const STORE_EVERY_MS = 30_000;
/** How often lines are shown meanwhile: to somebody who reads along, and to find out whether. */
const SHOW_EVERY_MS = { watched: 1_000, unwatched: 3_000 };
/** Output that comes so close to each other is sent together. */
const GATHER_MS = { watched: 250, unwatched: 1_000 };
/** The end of a run waits no longer for its words. */
const MAX_FINISH_MS = 10_000;
/** Lines that could not be stored at the end are stored again after these, ms. */
const AGAIN_AFTER_MS = [500, 2_000, 5_000];
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
  // Until it is known, somebody reads along.
  let isWatched = true;
  let hasSpoken = false;
  let text = '';
  let telling: Promise<void> = Promise.resolve();
  let storedAt = Date.now();
  let stopTimer = (): void => {};
  let isTicking = false;

  const post = <T>(path: string, json: object): Promise<T> => send(path, { method: 'POST', json });

  /** Whether it was taken, or refused for good. */
  const tell = async (path: string, json: object): Promise<boolean> => {
    try {
      const { watched } = await post<{ watched: boolean }>(path, json);
      const isNews = watched && !isWatched;
      isWatched = watched;
      if (isNews && isTicking) tickAnew();
      return true;
    } catch (error) {
      onError(error);
      return error instanceof TaskerError && !error.isPassing;
    }
  };
  /** One after the other. */
  const queue = (work: () => Promise<unknown>): void => {
    telling = telling.then(async () => void (await work()));
  };

  /** Stores what is not stored; what is refused is tried again with what comes. */
  const storeAll = async (): Promise<boolean> => {
    while (stored < lines.length || added - lines.length > toldCut) {
      const part = lines.slice(stored, stored + MAX_LINES);
      const cut = added - lines.length;
      const isLast = stored + part.length === lines.length;
      const more = isLast ? { cut: cut - toldCut } : {};
      if (!(await tell('/runs/logs', { lines: part, first: stored, ...more }))) return false;
      stored += part.length;
      shown = Math.max(shown, stored);
      if (isLast) toldCut = cut;
    }
    return true;
  };
  const store = (): void => {
    storedAt = Date.now();
    queue(storeAll);
  };
  const show = (): void => {
    const part = isWatched ? lines.slice(shown, shown + MAX_LINES) : [];
    const first = shown;
    shown += part.length;
    queue(() => tell('/runs/logs', { lines: part, first, live: true }));
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
    hasSpoken = true;
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
    queue(async () => {
      const part = text;
      text = '';
      if (part !== '') await tell('/runs/output', { text: part });
    });
  };

  const context: RunWordsContext = {
    log: {
      debug: (...said) => write('debug', ...said),
      info: (...said) => write('info', ...said),
      warn: (...said) => write('warn', ...said),
      error: (...said) => write('error', ...said),
    },
    output(more) {
      // What nobody took yet is shown from its last 64 KB on.
      text = (text + more).slice(-MAX_TEXT_CHARS);
      hasSpoken = true;
      if (isGathering) return;
      isGathering = true;
      stopText = startTimer(sendText, GATHER_MS[isWatched ? 'watched' : 'unwatched']);
    },
  };
  return {
    context,
    /** The run is over: resolves when all that it said is told. */
    async finish(): Promise<void> {
      if (!hasSpoken) return;
      stopTimer();
      stopText();
      if (text !== '') sendText();
      queue(async () => {
        for (const ms of [...AGAIN_AFTER_MS, null])
          if ((await storeAll()) || ms === null) return;
          else await pause(ms);
      });
      // A result is worth more than its words.
      const late = createDeferred();
      const stopWaiting = startTimer(late.resolve, MAX_FINISH_MS);
      await Promise.race([telling, late.promise]);
      stopWaiting();
    },
  };
};

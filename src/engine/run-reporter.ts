import { createCoalescer } from '../domain/coalescer.ts';
import { describeError } from '../domain/errors.ts';
import type { Progress, RunReport, RunsPublished } from '../domain/frames.ts';
import type { Logger } from '../log.ts';
import { SLOW_AFTER_MS } from './heartbeat.ts';
import type { RunVoice } from './run-voice.ts';

/**
 * How often the board is called at most, for all tasks that run together, ms: while somebody
 * watches and while nobody does, and both once they have run for long.
 */
const INTERVALS = { watched: 250, unwatched: 1_000, watchedLong: 5_000, unwatchedLong: 10_000 };

/** The end of a run waits for the board no longer than this. */
const MAX_FINISH_MS = 5_000;

export interface RunReporterDeps {
  publishRuns(owner: string, steps: Progress[], reports: RunReport[]): Promise<RunsPublished>;
  now(): number;
  log: Logger;
}

/**
 * Collects what running tasks say and passes it on: the newest progress of each, and of output and
 * logs what the board has not. Best effort.
 */
export const createRunReporter = ({ publishRuns, now, log }: RunReporterDeps) => {
  let newest = new Map<string, { owner: string; step: Progress }>();
  const voices = new Set<RunVoice>();
  const startedAt = now();
  let isWatched = true;
  // One call at a time: its answer says what the next one need not send.
  let last = Promise.resolve();

  const getInterval = (): number => {
    const isLong = now() - startedAt >= SLOW_AFTER_MS;
    // Somebody reads what is being written.
    if ([...voices].some((voice) => voice.isWatched())) return INTERVALS.watched;
    if (isLong) return isWatched ? INTERVALS.watchedLong : INTERVALS.unwatchedLong;
    return isWatched ? INTERVALS.watched : INTERVALS.unwatched;
  };

  const publishTo = async (
    owner: string,
    steps: Progress[],
    speaking: readonly RunVoice[],
  ): Promise<boolean> => {
    const reports = speaking.map((voice) => voice.takeReport());
    const { shown, ...answer } = await publishRuns(owner, steps, reports);
    const isNewlyWatched = speaking.some(
      (voice) => !voice.isWatched() && shown[voice.id] !== undefined,
    );
    for (const voice of speaking) voice.hear(shown[voice.id]);
    if (isNewlyWatched) {
      publishing.cancel();
      publishing.request(0);
    }
    return answer.isWatched;
  };

  const publish = async (): Promise<void> => {
    const speaking = [...voices].filter((voice) => voice.hasNews());
    if (newest.size === 0 && speaking.length === 0) return;
    // Whatever is said from now on waits for the interval; while nobody watches, it asks again then.
    publishing.request(getInterval());
    const steps = Map.groupBy(newest.values(), ({ owner }) => owner);
    const byOwner = Map.groupBy(speaking, ({ owner }) => owner);
    newest = new Map();
    try {
      const owners = [...new Set([...steps.keys(), ...byOwner.keys()])];
      const calls = owners.map((owner) =>
        publishTo(
          owner,
          (steps.get(owner) ?? []).map(({ step }) => step),
          byOwner.get(owner) ?? [],
        ),
      );
      isWatched = (await Promise.all(calls)).includes(true);
    } catch (error) {
      log.warn('progress_failed', { error: describeError(error) });
    }
  };
  const publishing = createCoalescer(() => {
    last = last.then(publish);
  });
  return {
    /** The first is published at once, with whatever else is said in the same turn. */
    report(owner: string, step: Progress): void {
      newest.set(step.task_id, { owner, step });
      publishing.request(0);
    },
    /** A run said something. */
    speak(voice: RunVoice): void {
      voices.add(voice);
      publishing.request(0);
    },
    /** A run is over: whoever watches it has all that it said before its end is known. */
    async finish(voice: RunVoice): Promise<void> {
      if (voice.isWatched() && voice.hasNews()) publishing.runNow();
      // A board that does not answer must not keep an outcome from being recorded.
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, MAX_FINISH_MS)));
      await Promise.race([last, late]);
      clearTimeout(timer);
      voices.delete(voice);
    },
    stop(): void {
      publishing.cancel();
      newest.clear();
      voices.clear();
    },
  };
};

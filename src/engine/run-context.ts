import { GiveUp, GoOn } from '../domain/errors.ts';
import { parseJson } from '../domain/json.ts';
import { LOG_LEVELS, type LogLevel } from '../domain/run-log.ts';
import type { Task } from '../domain/task.ts';
import type { ChildTask, RunLogger, RunVoiceContext } from '../handlers/run-voice-context.ts';
import type { RunStep, RunSteps } from '../store/run-steps.ts';
import { toCheckpoint } from './outcome.ts';

/** Names of steps. */
const MAX_NAME_CHARS = 100;
/**
 * A run that has lasted this long ends at its next checkpoint and goes on in another: the platform advises
 * steps of a Workflow of half an hour at most.
 * https://developers.cloudflare.com/workflows/build/rules-of-workflows/
 */
const MAX_RUN_MS = 25 * 60_000;

/** A step whose result could not be stored is stored again after these, ms. */
const SAVE_AGAIN_AFTER_MS = [50, 500];

/** How a run is heard by what surrounds it. */
export interface RunSpeech {
  output(text: string): void;
  log(level: LogLevel, message: string, fields?: object): void;
  /** JSON. */
  saveCheckpoint(checkpoint: string): void;
}

export interface RunContextDeps extends RunSpeech {
  runSteps: Pick<RunSteps, 'read' | 'save'>;
  submitChild(parent: Task, n: number, task: ChildTask): Promise<{ taskId: string }>;
  now(): number;
  wait(ms: number): Promise<void>;
  /** Called by what lasts: from then on the task has a heartbeat and a deadline. */
  watch(): void;
}

/** What a handler says and keeps while its task runs; its parts are made when they are first used. */
export const createRunContext = (task: Task, deps: RunContextDeps) => {
  const { runSteps, submitChild, wait, watch } = deps;
  let steps: Promise<Map<string, RunStep>> | undefined;
  let children = 0;
  let checkpoint: string | undefined;

  /** A first attempt has none to read. */
  const loadSteps = async (): Promise<Map<string, RunStep>> => {
    const known = task.attempt > 1 ? await runSteps.read(task) : [];
    return new Map(known.map((step) => [step.name, step]));
  };

  const saveStep = async (name: string, result: string): Promise<RunStep[]> => {
    for (const pauseMs of [...SAVE_AGAIN_AFTER_MS, null])
      try {
        return await runSteps.save(task, name, result);
      } catch (error) {
        if (pauseMs === null) throw error;
        await wait(pauseMs);
      }
    return [];
  };

  const context: RunVoiceContext = {
    log: Object.fromEntries(
      LOG_LEVELS.map((level) => [
        level,
        (message: string, fields?: object) => deps.log(level, message, fields),
      ]),
    ) as RunLogger,
    output: (text) => deps.output(text),
    saveCheckpoint(data) {
      checkpoint = toCheckpoint(data);
      watch();
      if (deps.now() - (task.started_at ?? Infinity) > MAX_RUN_MS) throw new GoOn(data);
      deps.saveCheckpoint(checkpoint);
    },
    async step<Result>(name: string, work: () => Result | Promise<Result>) {
      if (name === '' || name.length > MAX_NAME_CHARS)
        throw new GiveUp(`The name of a step has 1 to ${MAX_NAME_CHARS} characters`, 'bad_step');
      watch();
      steps ??= loadSteps();
      const known = await steps.catch((error: unknown) => {
        steps = undefined;
        throw error;
      });
      const before = known.get(name);
      if (before) return parseJson(before.result) as Result;
      const text = toCheckpoint(await work(), `result of the step "${name}"`);
      const [saved] = await saveStep(name, text);
      if (!saved)
        throw new GiveUp(
          `The step "${name}" was not kept: its run is over, or its task has too many steps`,
          'step_not_kept',
        );
      known.set(name, saved);
      return parseJson(saved.result) as Result;
    },
    async submit(child) {
      watch();
      const n = children;
      children += 1;
      return submitChild(task, n, child);
    },
  };
  return {
    context,
    /** What a run that did not complete leaves to the next; undefined: it saved nothing. */
    readCheckpoint: (): string | undefined => checkpoint,
  };
};

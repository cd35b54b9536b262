import { isOutside, MAX_EMBEDDED_BYTES, measureBody } from '../domain/body.ts';
import { BLOCKED_BY, isOfFlow, type FlowTask } from '../domain/flow.ts';
import { parseJson } from '../domain/json.ts';
import type { Outcome } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { Handler, HandlerDependencies } from '../handlers/handler.ts';
import { explainRefusal } from './flow-node.ts';
import type { ReadFlowValues } from './flow-values.ts';
import type { LargeBodies } from './large-bodies.ts';
import { failAttempt, toFailure } from './outcome.ts';

export interface RunParamsDeps {
  catalog: Pick<Catalog, 'find'>;
  dependencies: HandlerDependencies;
  /** Of a task of a flow whose values were too large to be copied. */
  fillAtRun: ReadFlowValues['fillAtRun'];
  /** Of a task whose parameters are too large for its row. */
  holdParams: LargeBodies['hold'];
}

/** Parameters of a task that is about to run. */
export interface GivenParams {
  params: unknown;
  /** The references that had no value, where they were filled in just now. */
  empty?: string[];
  /** Gives back the memory of large ones. */
  release?(): void;
}

/** What a claimed task runs with. */
export const createRunParams = (deps: RunParamsDeps) => {
  const { catalog, dependencies } = deps;

  const fillAtRun = async (task: FlowTask): Promise<GivenParams | Outcome> => {
    try {
      const filled = await deps.fillAtRun(task);
      return 'error' in filled ? failAttempt(filled.error.code, filled.error.message) : filled;
    } catch (thrown) {
      return toFailure(thrown);
    }
  };

  const holdParams = async (task: Task): Promise<GivenParams | Outcome> => {
    try {
      const { text, release } = await deps.holdParams(task, task.params);
      // Whoever hears of the task from now on hears them too.
      if (measureBody(task.params) <= MAX_EMBEDDED_BYTES) task.params = text;
      return { params: parseJson(text), release };
    } catch (thrown) {
      return toFailure(thrown);
    }
  };

  return {
    /** The parameters, or why there are none; a promise where they are not in the row. */
    readParams(task: Task): Promise<GivenParams | Outcome> | GivenParams {
      if (task.blocked_by === BLOCKED_BY.atRun && isOfFlow(task)) return fillAtRun(task);
      return isOutside(task.params) ? holdParams(task) : { params: parseJson(task.params) };
    },

    /** The handler of a task and the parameters as it takes them, or why it cannot run. */
    prepare(
      task: Task,
      { params: given, empty }: GivenParams,
    ): { handler: Handler; params: unknown } | Outcome {
      const handler = catalog.find(task.owner, task.type);
      if (!handler)
        return failAttempt(
          'unknown_type',
          `No handler for the type "${task.type}" in this version of the service`,
        );
      // Parsed again: the row may be older than the code.
      const params = handler.params.safeParse(given);
      if (!params.success) {
        const code = empty ? 'invalid_params' : 'bad_params';
        return failAttempt(code, explainRefusal(handler, given, empty ?? []) ?? '');
      }
      const missing = handler.needs.filter((name) => dependencies.secrets[name] === undefined);
      const refused = handler.check(params.data, dependencies.secrets);
      if (refused) return failAttempt('not_allowed', refused.message);
      if (missing.length === 0) return { handler, params: params.data };
      return failAttempt(
        'not_configured',
        `The type "${handler.type}" needs ${missing.join(', ')}: set it and submit again`,
      );
    },
  };
};

import type { RetryPolicy } from '../domain/retry.ts';
import type { CommittedTask } from '../domain/task.ts';
import { createDirectRunner, type DirectRunnerDeps } from '../engine/direct-runner.ts';
import { createRecorder, type RecorderDeps } from '../engine/recorder.ts';
import type { EngineDeps } from './engine-deps.ts';

/** The policy of a type that no longer exists: its tasks fail for good anyway. */
const NO_RETRY: RetryPolicy = { maxAttempts: 1, baseSeconds: 1, maxSeconds: 1 };

type RecordingDeps = Pick<EngineDeps, 'catalog' | 'dispatcher' | 'replace'> &
  Omit<RecorderDeps, 'ensureAlarmBy' | 'keepRecordings' | 'findPolicy' | 'keepResult'> &
  Pick<EngineDeps['largeBodies'], 'keepResult'> &
  Omit<DirectRunnerDeps, 'catalog' | 'recorder'>;

/** Who records what ran in an isolate, and who runs and records what somebody waits for. */
export const createRecording = (deps: RecordingDeps) => {
  const { catalog, dispatcher, transitions, replace = {} } = deps;
  const recorderDeps: RecorderDeps = {
    ...deps,
    ensureAlarmBy: dispatcher.ensureAlarmBy,
    keepRecordings: dispatcher.keepRecordings,
    findPolicy: (owner, type) => catalog.find(owner, type)?.retry ?? NO_RETRY,
  };
  const recorder = createRecorder(recorderDeps);
  /** Rows that the Dispatcher told of, as it answered with them. */
  const told = new WeakSet<object>();
  const recordByDispatcher: typeof transitions.record = async (recordings) => {
    const rows = await dispatcher.record(recordings);
    for (const row of rows) told.add(row);
    return rows;
  };
  /** Tells of what was found committed although no answer came: the Dispatcher may have been reset. */
  const tellOthers = async (rows: readonly CommittedTask[]): Promise<void> => {
    const untold = rows.filter((row) => !told.has(row));
    if (untold.length > 0) await deps.publish(untold);
  };
  return {
    recorder: replace.recorder?.(recorder) ?? recorder,
    directRunner: createDirectRunner({
      ...deps,
      recorder: createRecorder({
        ...recorderDeps,
        transitions: { ...transitions, record: recordByDispatcher },
        publish: tellOthers,
        followUp: async () => {},
      }),
    }),
  };
};

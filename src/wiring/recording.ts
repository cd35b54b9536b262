import type { RetryPolicy } from '../domain/retry.ts';
import { createDirectRunner, type DirectRunnerDeps } from '../engine/direct-runner.ts';
import { createRecorder, type RecorderDeps } from '../engine/recorder.ts';
import type { EngineDeps } from './engine-deps.ts';

/** The policy of a type that no longer exists: its tasks fail for good anyway. */
const NO_RETRY: RetryPolicy = { maxAttempts: 1, baseSeconds: 1, maxSeconds: 1 };

type RecordingDeps = Pick<EngineDeps, 'catalog' | 'dispatcher' | 'replace'> &
  Omit<RecorderDeps, 'ensureAlarmBy' | 'keepRecordings' | 'findPolicy' | 'keepResult'> &
  Pick<EngineDeps['largeBodies'], 'keepResult'> &
  Omit<DirectRunnerDeps, 'catalog' | 'createRecorder'>;

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
  return {
    recorder: replace.recorder?.(recorder) ?? recorder,
    /** The Dispatcher writes, and tells of it. */
    directRunner: createDirectRunner({
      ...deps,
      createRecorder: (publish) =>
        createRecorder({
          ...recorderDeps,
          transitions: { ...transitions, record: dispatcher.record },
          publish,
          followUp: async () => {},
        }),
    }),
  };
};

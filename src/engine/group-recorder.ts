import type { Task } from '../domain/task.ts';
import type { Recording } from '../store/recordings.ts';
import { MAX_INSERT } from '../store/inserts.ts';
import { BUSY_GROUP, gather } from './gather.ts';
import type { Publish } from './publisher.ts';
import { createRecordingWriter, type RecordingWriterDeps } from './recording-writer.ts';

export interface GroupRecorderDeps extends RecordingWriterDeps {
  publish: Publish;
}

interface WaitingRecording {
  recording: Recording;
  /** The row that took it; null where another writer was faster. */
  resolve(row: Task | null): void;
  reject(error: unknown): void;
}

/** Letters that may wait; whoever comes then tries again, or has its outcome kept. */
const MAX_WAITING_CHARS = 16_000_000;
/** A row besides its texts, about. */
const ROW_CHARS = 2_000;
const measure = ({ task, verdict }: Recording): number =>
  ROW_CHARS +
  task.params.length +
  task.attempts.length +
  (verdict.transition === 'complete' ? verdict.result.length : (verdict.checkpoint?.length ?? 0));

/**
 * Group commit for outcomes of direct runs, which end in many Workers: what comes while a group is
 * written is the next one. Each Worker is answered after the commit; others hear of it beside. Neither a limit nor
 * a flow ever waits for a direct run.
 */
export const createGroupRecorder = (deps: GroupRecorderDeps) => {
  const { publish } = deps;
  const write = createRecordingWriter(deps);
  const waiting: WaitingRecording[] = [];
  let waitingChars = 0;
  let isDraining = false;
  let lastSize = 1;

  const take = (most: number): WaitingRecording[] => {
    const taken = waiting.splice(0, most);
    for (const { recording } of taken) waitingChars -= measure(recording);
    return taken;
  };

  const writeGroup = async (group: readonly WaitingRecording[]): Promise<void> => {
    try {
      const refused = new Map<Recording, unknown>();
      const written = await write(
        group.map(({ recording }) => recording),
        (recording, error) => void refused.set(recording, error),
      );
      const rows = new Map(written.map((row) => [row.id, row]));
      for (const { recording, reject } of group)
        if (refused.has(recording)) reject(refused.get(recording));
      for (const { recording, resolve } of group) resolve(rows.get(recording.task.id) ?? null);
      void publish(written);
    } catch (error) {
      // Those behind it do not wait for the next failure: each has its outcome kept.
      for (const { reject } of [...group, ...take(waiting.length)]) reject(error);
    }
  };

  const drain = async (): Promise<void> => {
    isDraining = true;
    while (waiting.length > 0) {
      if (lastSize >= BUSY_GROUP) await gather(() => waiting.length, MAX_INSERT, deps);
      const group = take(MAX_INSERT);
      lastSize = group.length;
      await writeGroup(group);
    }
    isDraining = false;
  };

  /** The rows that took them. Rejects as the database does; repeating it is safe. */
  return async (recordings: readonly Recording[]): Promise<Task[]> => {
    const chars = recordings.reduce((sum, recording) => sum + measure(recording), 0);
    if (waitingChars > 0 && waitingChars + chars > MAX_WAITING_CHARS)
      throw new Error('Too many outcomes wait to be recorded');
    waitingChars += chars;
    const rows = recordings.map(
      (recording) =>
        new Promise<Task | null>((resolve, reject) => {
          waiting.push({ recording, resolve, reject });
        }),
    );
    if (!isDraining) void drain();
    return (await Promise.all(rows)).filter((row) => row !== null);
  };
};

import type { Task } from '../domain/task.ts';
import type { Recording } from '../store/recordings.ts';
import { MAX_INSERT } from '../store/inserts.ts';
import type { FollowUp } from './follow-up.ts';
import { BUSY_GROUP, gather } from './gather.ts';
import type { Publish } from './publisher.ts';
import { createRecordingWriter, type RecordingWriterDeps } from './recording-writer.ts';

export interface GroupRecorderDeps extends RecordingWriterDeps {
  publish: Publish;
  followUp: FollowUp;
}

interface WaitingRecording {
  recording: Recording;
  /** The row that took it; null where another writer was faster. */
  resolve(row: Task | null): void;
  reject(error: unknown): void;
}

/** Letters of results that may wait; whoever comes then tries again, or has its outcome kept. */
const MAX_WAITING_CHARS = 16_000_000;
const measure = ({ verdict }: Recording): number =>
  verdict.transition === 'complete' ? verdict.result.length : 0;

/**
 * Group commit for outcomes of direct runs, which end in many Workers: what comes while a group is
 * written is the next one. Each Worker is answered after the commit; others hear of it beside.
 */
export const createGroupRecorder = (deps: GroupRecorderDeps) => {
  const { publish, followUp } = deps;
  const write = createRecordingWriter(deps);
  const waiting: WaitingRecording[] = [];
  let waitingChars = 0;
  let isDraining = false;
  let lastSize = 1;

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
      void followUp(group.map(({ recording: { task } }) => rows.get(task.id) ?? task));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };

  const drain = async (): Promise<void> => {
    isDraining = true;
    while (waiting.length > 0) {
      if (lastSize >= BUSY_GROUP) await gather(() => waiting.length, MAX_INSERT, deps);
      const group = waiting.splice(0, MAX_INSERT);
      lastSize = group.length;
      for (const { recording } of group) waitingChars -= measure(recording);
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

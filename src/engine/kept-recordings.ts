import { chunk } from '../domain/chunk.ts';
import { describeError } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import { classifyFailure } from '../store/failure.ts';
import { readRecordingKey } from '../store/recordings.ts';
import { MAX_GROUP_CHARS } from '../store/statements.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Transitions } from '../store/transitions.ts';
import type { LimitAdmission } from './admission.ts';
import { OwnerMoving } from './elsewhere.ts';
import type { Publish } from './publisher.ts';

/** Of this version: those of another release are not touched, and their leases bring the tasks back. */
const PREFIX = 'recording:v1:';
/** An object's storage takes so many keys at once. */
const MAX_KEYS = 128;

export interface KeptRecordingsDeps {
  storage: Pick<DurableObjectStorage, 'put' | 'list' | 'delete'>;
  transitions: Pick<Transitions, 'writeRecordings'>;
  store: Pick<TaskStore, 'getMany'>;
  publish: Publish;
  admission: Pick<LimitAdmission, 'admitAfter'>;
  log: Logger;
}

/**
 * Outcomes that the database did not take, in the storage of the Dispatcher, which does not need
 * the database: work that is finished is not done again. Written by the same statement and the same
 * fence as ever, once the database answers.
 */
export const createKeptRecordings = (deps: KeptRecordingsDeps) => {
  const { storage, transitions, store, publish, admission, log } = deps;
  /** Whether there may be any; unknown until it was looked at once. */
  let mayHave = true;

  const toKey = (text: string): string => {
    const { owner, id, attempt } = readRecordingKey(text);
    return `${PREFIX}${owner}:${id}:${attempt}`;
  };

  /** Writes a group; what the schema refuses must not hold up the rest. */
  const writeGroup = async (texts: readonly string[]): Promise<void> => {
    try {
      await transitions.writeRecordings(texts);
    } catch (error) {
      if (classifyFailure(error) !== 'constraint') throw error;
      if (texts.length > 1) for (const text of texts) await writeGroup([text]);
      else log.error('recording_refused', { error: describeError(error) });
    }
  };

  /** False where an owner among them is being moved: then all of them are written once more, in vain. */
  const tryWrite = async (texts: readonly string[]): Promise<boolean> => {
    try {
      await writeGroup(texts);
      return true;
    } catch (error) {
      if (error instanceof OwnerMoving) return false;
      throw error;
    }
  };

  /** Publishes the tasks as they are now, which nobody has done yet, and gives their slots on. */
  const publishEnded = async (texts: readonly string[]): Promise<void> => {
    const attempts = new Map(texts.map(readRecordingKey).map((key) => [key.id, key]));
    const rows = await store.getMany([...attempts.values()]);
    const ended = rows.filter(
      ({ id, attempt, status }) =>
        status !== 'IN_PROGRESS' && attempts.get(id)?.attempt === attempt,
    );
    await Promise.all([publish(ended), admission.admitAfter(rows)]);
  };

  /** Writes what is kept; true where some stays. */
  const writeAll = async (): Promise<boolean> => {
    const sizeOf = (text: string): number => text.length;
    let isStaying = false;
    let after: { startAfter?: string } = {};
    for (;;) {
      const kept = await storage.list<string>({ prefix: PREFIX, limit: MAX_KEYS, ...after });
      for (const group of chunk([...kept.values()], { maxSize: MAX_GROUP_CHARS, sizeOf })) {
        if (!(await tryWrite(group))) {
          isStaying = true;
          continue;
        }
        // After the commit: a crash in between writes it once more, which the fence ignores.
        await storage.delete(group.map(toKey));
        await publishEnded(group);
      }
      const last = [...kept.keys()].at(-1);
      if (last === undefined || kept.size < MAX_KEYS) return isStaying;
      after = { startAfter: last };
    }
  };

  return {
    hasAny: (): boolean => mayHave,

    /** Keeps outcomes, as `encodeRecordings` made them. */
    async keep(texts: readonly string[]): Promise<void> {
      mayHave = true;
      for (const group of chunk(texts, { most: MAX_KEYS }))
        await storage.put(Object.fromEntries(group.map((text) => [toKey(text), text])));
      log.warn('recordings_kept', { tasks: texts.length });
    },

    /**
     * Writes what is kept; throws while the database does not take it. True where some stays, for its
     * owner is being moved.
     */
    async flush(): Promise<boolean> {
      let isStaying = false;
      while (mayHave && !isStaying) {
        // What comes meanwhile sets it again.
        mayHave = false;
        try {
          isStaying = await writeAll();
        } catch (error) {
          mayHave = true;
          throw error;
        }
      }
      mayHave ||= isStaying;
      return isStaying;
    },
  };
};

export type KeptRecordings = ReturnType<typeof createKeptRecordings>;

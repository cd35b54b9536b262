import type { Task } from '../domain/task.ts';
import {
  decodeAcceptances,
  encodeRecordings,
  encodeTasks,
  type Acceptance,
} from '../engine/accept-wire.ts';
import { encodeFlow, type AcceptedFlow } from '../engine/flow-accepter.ts';
import { MAX_PURGED } from '../engine/purge.ts';
import { chooseDispatcher } from '../engine/dispatcher.ts';
import type { PurgedTask } from '../store/deletions.ts';
import type { Recording } from '../store/recordings.ts';
import type { Platform } from './platform.ts';

/** The Dispatcher of a shard as the Workers call it. */
export const createDispatcherClient = ({ env, settings, shard }: Platform) => {
  const hint = settings.LOCATION_HINT;
  const options = hint ? { locationHint: hint } : {};
  const dispatcher = () => env.DISPATCHER.getByName(chooseDispatcher(shard), options);
  return {
    accept: async (tasks: Task[], born: Task | null = null) =>
      decodeAcceptances(await dispatcher().accept(encodeTasks(tasks, born))),
    /** Writes outcomes of direct runs, with those of others; the rows that took them. */
    record: async (recordings: readonly Recording[]) =>
      JSON.parse(await dispatcher().record(encodeRecordings(recordings))) as Task[],
    acceptFlow: async (flow: AcceptedFlow): Promise<Acceptance> =>
      dispatcher().acceptFlow(encodeFlow(flow)),
    tryReserve: async (owner: string, count = 1) => dispatcher().tryReserve(owner, count),
    ensureAlarmBy: async (at: number): Promise<void> => dispatcher().ensureAlarmBy(at),
    tickNow: async () => dispatcher().tickNow(),
    isAccepting: async () => dispatcher().isAccepting(),
    /** Deletes all of an owner's tasks, by as many calls as it takes. Returns what they were. */
    async purge(owner: string): Promise<PurgedTask[]> {
      const purged: PurgedTask[] = [];
      for (;;) {
        const some = await dispatcher().purge(owner);
        purged.push(...some);
        if (some.length < MAX_PURGED) return purged;
      }
    },
    keepRecordings: async (texts: string[]): Promise<void> => dispatcher().keepRecordings(texts),
  };
};

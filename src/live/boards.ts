import type { Identity, KeyRef } from '../domain/api-key.ts';
import { describeError } from '../domain/errors.ts';
import type { Progress, RunReport, RunsPublished } from '../domain/frames.ts';
import type { LogPart } from '../domain/run-log.ts';
import type { RunKey } from '../domain/run-token.ts';
import type { LogFields, Logger } from '../log.ts';
import type { StatusBoard } from './board.ts';
import type { SeenWorker } from './seen-workers.ts';
import { WORKERS } from './tags.ts';
import { createBoardListener } from './listener.ts';

/**
 * The boards, for the rest of the service. Which board an owner has is known here alone.
 */
export const createBoards = (namespace: DurableObjectNamespace<StatusBoard>, log: Logger) => {
  const findBoard = (owner: string) => namespace.getByName(owner);

  /** Best effort: a stream that is not closed now ends at the board's next reading. */
  const tryClose = async (fields: LogFields, close: () => Promise<void>): Promise<void> => {
    try {
      await close();
    } catch (error) {
      log.warn('streams_not_closed', { ...fields, error: describeError(error) });
    }
  };

  return {
    listener: createBoardListener({
      listWatched: async (owner) => findBoard(owner).listWatched(),
      publish: async (owner, rows) => findBoard(owner).publish(rows),
    }),
    readProgress: async (owner: string, id: string): Promise<Progress | null> =>
      findBoard(owner).readProgress(id),
    publishRuns: async (
      owner: string,
      steps: Progress[],
      reports: RunReport[],
    ): Promise<RunsPublished> => findBoard(owner).publishRuns(steps, reports),
    /** What a run outside says; tells whether anybody watches it. Best effort. */
    appendRun: async (
      { owner, id, attempt }: RunKey,
      said: { text?: string; log?: LogPart },
    ): Promise<boolean> =>
      findBoard(owner)
        .appendRun(id, attempt, said)
        .catch(() => false),

    /** Ends the streams of deleted tasks. Best effort. */
    closeStreams: (owner: string, ids: string[]): Promise<void> =>
      tryClose({ tasks: ids.length }, async () => findBoard(owner).closeStreams(ids)),
    /** Ends the streams of a revoked key. Best effort: its requests are refused in any case. */
    closeStreamsOfKey: (owner: string, keyId: string): Promise<void> =>
      tryClose({ key_id: keyId }, async () => findBoard(owner).closeStreamsOfKey(keyId)),

    /** Passes an upgrade request on to the owner's board. */
    openStream: (
      { owner, keyId, expiresAt }: Identity,
      stream: string,
      request: Request,
    ): Promise<Response> => {
      const query = new URLSearchParams({
        stream,
        ...(keyId !== null && { key: keyId }),
        ...(expiresAt !== null && { until: String(expiresAt) }),
      });
      const url = `https://board.internal/?${query.toString()}`;
      return findBoard(owner).fetch(new Request(url, request));
    },

    /** A socket that closes when there may be a task of these types for a worker of this owner. */
    openForWorker: (
      { owner, keyId }: Identity,
      worker: string,
      types: readonly string[],
    ): Promise<Response> => {
      const key = keyId === null ? {} : { key: keyId };
      const query = new URLSearchParams({ stream: WORKERS, worker, ...key });
      for (const type of types) query.append('type', type);
      const url = `https://board.internal/?${query.toString()}`;
      return findBoard(owner).fetch(new Request(url, { headers: { Upgrade: 'websocket' } }));
    },
    noteWorker: async (owner: string, name: string, types: string[]): Promise<void> =>
      findBoard(owner).noteWorker(name, types),
    /** Ends what a worker waits for. Best effort. */
    dismissWorker: (owner: string, name: string): Promise<void> =>
      tryClose({ owner }, async () => findBoard(owner).dismissWorker(name)),
    /** Best effort: they look again by themselves. */
    wakeWorkers: (owner: string, type: string): Promise<void> =>
      tryClose({ owner }, async () => findBoard(owner).wakeWorkers(type)),
    /** The owner is erased. Best effort: they are forgotten within a day. */
    forgetWorkers: (owner: string): Promise<void> =>
      tryClose({ owner }, async () => findBoard(owner).forgetWorkers()),
    listWorkers: async (owner: string): Promise<SeenWorker[]> => findBoard(owner).listWorkers(),

    issueTicket: async (
      { owner, keyId, expiresAt }: Identity,
      stream: string,
      hash: string,
    ): Promise<void> => findBoard(owner).issueTicket(hash, { stream, keyId, expiresAt }),
    redeemTicket: async (owner: string, stream: string, hash: string): Promise<KeyRef | null> =>
      findBoard(owner).redeemTicket(hash, stream),
  };
};

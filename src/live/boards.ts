import type { Identity, KeyRef } from '../domain/api-key.ts';
import { describeError } from '../domain/errors.ts';
import type { Progress } from '../domain/frames.ts';
import type { Logger } from '../log.ts';
import type { StatusBoard } from './board.ts';
import { createBoardListener } from './listener.ts';

/** What the rest of the service asks of its boards. Which board an owner has is known here alone. */
export const createBoards = (namespace: DurableObjectNamespace<StatusBoard>, log: Logger) => {
  const boardOf = (owner: string) => namespace.getByName(owner);

  /** A stream that is not ended notices at its next reading. */
  const ending = async (
    what: Record<string, unknown>,
    work: () => Promise<void>,
  ): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn('streams_not_ended', { ...what, error: describeError(error) });
    }
  };

  return {
    sink: createBoardListener({
      watched: async (owner) => boardOf(owner).watched(),
      publish: async (owner, rows) => boardOf(owner).publish(rows),
    }),
    publishProgress: async (owner: string, steps: Progress[]): Promise<void> =>
      boardOf(owner).publishProgress(steps),

    /** Ends the streams of deleted tasks. Best effort. */
    end: (owner: string, ids: string[]): Promise<void> =>
      ending({ tasks: ids.length }, async () => boardOf(owner).end(ids)),
    /** Ends the streams of a revoked key. Best effort: its requests are refused in any case. */
    closeStreamsOfKey: (owner: string, keyId: string): Promise<void> =>
      ending({ key_id: keyId }, async () => boardOf(owner).closeStreamsOfKey(keyId)),

    /** Hands an upgrade request over to the owner's board. */
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
      return boardOf(owner).fetch(
        new Request(`https://board.internal/?${query.toString()}`, request),
      );
    },

    issueTicket: async (
      { owner, keyId, expiresAt }: Identity,
      stream: string,
      hash: string,
    ): Promise<void> => boardOf(owner).issueTicket(hash, { stream, keyId, expiresAt }),
    redeemTicket: async (owner: string, stream: string, hash: string): Promise<KeyRef | null> =>
      boardOf(owner).redeemTicket(hash, stream),
  };
};

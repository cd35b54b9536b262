import type { KeyRef } from '../domain/api-key.ts';

const TICKETS = 'ticket:';
const TICKET_MS = 30_000;
/** Entries that one storage call deletes at most. */
const MAX_DELETED = 128;

/** The stream that a ticket opens, and the key that asked for it. */
export interface Ticket extends KeyRef {
  stream: string;
}

type StoredTicket = Ticket & { until: number };

/** Tickets for one owner's streams, kept by their hash: each opens its stream once, within 30 s. */
export const createTickets = ({
  storage,
  now,
}: {
  storage: DurableObjectStorage;
  now: () => number;
}) => {
  const remove = async (
    isGone: (ticket: StoredTicket) => boolean,
    limit?: number,
  ): Promise<void> => {
    const stored = await storage.list<StoredTicket>({
      prefix: TICKETS,
      ...(limit !== undefined && { limit }),
    });
    const gone = [...stored].filter(([, ticket]) => isGone(ticket)).map(([name]) => name);
    await storage.delete(gone.slice(0, MAX_DELETED));
  };

  return {
    async issue(hash: string, ticket: Ticket): Promise<void> {
      const issuedAt = now();
      // Some at a time: every ticket that is made takes more away than it adds.
      await remove(({ until }) => until <= issuedAt, MAX_DELETED);
      await storage.put(`${TICKETS}${hash}`, {
        ...ticket,
        until: issuedAt + TICKET_MS,
      } satisfies StoredTicket);
    },

    /** Takes a ticket, once; null unless it is for this stream and young enough. */
    async redeem(hash: string, stream: string): Promise<KeyRef | null> {
      const ticket = await storage.get<StoredTicket>(`${TICKETS}${hash}`);
      // The caller who deletes it has it; a second one finds nothing to delete.
      if (!ticket || !(await storage.delete(`${TICKETS}${hash}`))) return null;
      const { keyId, expiresAt, until } = ticket;
      return ticket.stream === stream && now() < until ? { keyId, expiresAt } : null;
    },

    /** A key was revoked: its tickets open nothing any more. */
    removeOfKey: (keyId: string): Promise<void> => remove((ticket) => ticket.keyId === keyId),
  };
};

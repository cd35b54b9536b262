import type { KeyRef } from '../domain/api-key.ts';
import { REVOKED } from '../domain/close-codes.ts';
import { toKeyTag } from './tags.ts';
import { createTickets, type Ticket } from './tickets.ts';
import { WorkerBoard } from './worker-board.ts';

/** The part of a board that knows by what right its streams are open. */
export class TicketBoard extends WorkerBoard {
  readonly #tickets = createTickets({ storage: this.ctx.storage, now: Date.now });

  /** Keeps a ticket until it is redeemed or too old. */
  issueTicket(hash: string, ticket: Ticket): Promise<void> {
    return this.#tickets.issue(hash, ticket);
  }

  redeemTicket(hash: string, stream: string): Promise<KeyRef | null> {
    return this.#tickets.redeem(hash, stream);
  }

  /** A key was revoked: its streams end, and its tickets open nothing any more. */
  async closeStreamsOfKey(keyId: string): Promise<void> {
    for (const socket of this.ctx.getWebSockets(toKeyTag(keyId)))
      socket.close(REVOKED, 'key revoked');
    await this.#tickets.removeOfKey(keyId);
  }
}

import { DurableObject } from 'cloudflare:workers';
import { DISMISSED } from '../domain/close-codes.ts';
import { createSeenWorkers, type SeenWorker } from './seen-workers.ts';
import { createWaitingWorkers } from './waiting-workers.ts';

/** The part of a board that an owner's workers know. */
export class WorkerBoard extends DurableObject<Env> {
  protected readonly workers = createWaitingWorkers((tag) => this.ctx.getWebSockets(tag));
  readonly #seen = createSeenWorkers({ storage: this.ctx.storage, now: Date.now });

  /** A worker asked for work, and was not noted lately. */
  noteWorker(name: string, types: string[]): Promise<void> {
    return this.#seen.note(name, types);
  }

  listWorkers(): Promise<SeenWorker[]> {
    return this.#seen.list();
  }

  forgetWorkers(): Promise<void> {
    return this.#seen.forget();
  }

  /** A worker stops: it waits no longer, and is not there any more. */
  async dismissWorker(name: string): Promise<void> {
    this.workers.dismiss(name, DISMISSED);
    await this.#seen.remove(name);
  }

  /** A type was resumed. */
  wakeWorkers(type: string): void {
    this.workers.wakeAll(type);
  }
}

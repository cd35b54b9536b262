import type { ClientOptions } from './request.ts';
import type { WorkerHandler } from './run-handler.ts';

export interface WorkerOptions extends ClientOptions {
  /** What runs each type. */
  types: Record<string, WorkerHandler>;
  /** Tasks at a time; 8 unless given. */
  concurrency?: number;
  /** A name by which people know this worker; something random is put behind it. */
  name?: string;
  /** Told of what does not end the worker, such as a service that is down for a while. */
  onError?(error: unknown): void;
}

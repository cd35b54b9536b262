import type { TaskLimit } from './limit.ts';
import type { TaskUnique } from './unique.ts';
import type { Priority } from './words.ts';

/** A submit as every dialect words it. `params` are still the caller's. */
export interface SubmitRequest {
  type: string;
  params: Record<string, unknown>;
  priority: Priority;
  title?: string | null | undefined;
  description?: string | null | undefined;
  tags?: string[];
  delay_seconds?: number | undefined;
  scheduled_at?: string | undefined;
  max_attempts?: number | undefined;
  timeout_seconds?: number | undefined;
  callback_url?: string | null | undefined;
  /** False: run it, whatever output is there already. */
  reuse?: boolean | undefined;
  limit?: TaskLimit | undefined;
  unique?: TaskUnique | undefined;
  /** Not begun by then, it is cancelled. */
  expires_in_seconds?: number | undefined;
  /** The task that this one runs again. */
  rerun_of?: string | null | undefined;
}

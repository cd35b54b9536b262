import { isOutside, measureBody } from '../domain/body.ts';
import type { Task } from '../domain/task.ts';
import type { Usage } from '../store/owners.ts';

/** Less than this is let in without a look at what the owner has. */
const LOOK_AFTER_BYTES = 262_144;
const LOOK_EVERY_MS = 5_000;
/** A row has this much besides its parameters. */
const ROW_BYTES = 450;
/** What is beyond this part of the database is kept for those who have little: */
const FULL_PART = 0.8;
/** an owner may have this part of it then. */
const SMALL_PART = 0.05;

/** What the last look found. */
interface Known extends Usage {
  lookedAt: number;
  /** Bytes accepted since then. */
  since: number;
}

const NONE: Known = { rows: 0, bodies: 0, database: 0, lookedAt: -Infinity, since: 0 };

/** Of what lies outside, too; of a row its length is near enough. */
const sizeOf = (params: string): number =>
  isOutside(params) ? measureBody(params) : params.length;

export interface BytesQuotaDeps {
  readUsage(owner: string): Promise<Usage>;
  /** Bytes that the tasks of an owner may take up, about. */
  maxBytes: number;
  /** Bytes that the database may take up. */
  limitBytes: number;
  now(): number;
}

/**
 * Keeps one owner from filling the database up, with tasks that have ended too. What it has is read
 * as seldom as it may be: small submits cost nothing.
 */
export const createBytesQuota = ({ readUsage, maxBytes, limitBytes, now }: BytesQuotaDeps) => {
  const usages = new Map<string, Known>();

  const look = async (owner: string, usage: Known): Promise<void> => {
    if (now() - usage.lookedAt < LOOK_EVERY_MS) return;
    usage.lookedAt = now();
    const { since } = usage;
    Object.assign(usage, await readUsage(owner));
    usage.since -= since;
  };

  const tryReserveFor = async (owner: string, bytes: number): Promise<boolean> => {
    const usage = usages.get(owner) ?? { ...NONE };
    usages.set(owner, usage);
    const isOver = (): boolean => {
      const isFull = usage.database > FULL_PART * limitBytes;
      const inRows = usage.rows + usage.since + bytes;
      return inRows + usage.bodies > maxBytes || (isFull && inRows > SMALL_PART * limitBytes);
    };
    if (isOver() || usage.since + bytes > LOOK_AFTER_BYTES) await look(owner, usage);
    if (isOver()) return false;
    usage.since += bytes;
    return true;
  };

  return {
    /** Whether the owners may store these tasks; if so they are counted in. */
    async tryReserve(tasks: readonly Pick<Task, 'owner' | 'params'>[]): Promise<boolean> {
      for (const [owner, own] of Map.groupBy(tasks, (task) => task.owner)) {
        const bytes = own.reduce((sum, { params }) => sum + sizeOf(params) + ROW_BYTES, 0);
        if (!(await tryReserveFor(owner, bytes))) return false;
      }
      return true;
    },
  };
};

export type BytesQuota = ReturnType<typeof createBytesQuota>;

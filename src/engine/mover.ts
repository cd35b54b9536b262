import { AppError } from '../domain/errors.ts';
import type { Moves } from '../store/moves.ts';
import type { OwnerShard, ShardStore } from '../store/shards.ts';

/** How far a move is. `at` in ms; `n` and `after` say where a copy goes on. */
type Phase =
  | { phase: 'announced'; at: number }
  | { phase: 'copying'; n: number; after: string | null; late: boolean }
  | { phase: 'waking'; n: number; after: string | null }
  | { phase: 'cleaning'; at: number };
type Step = Phase & { from: number };

/** What a call did. */
export interface MoveProgress {
  owner: string;
  from: number;
  to: number;
  phase: Step['phase'] | 'done';
  /** Rows that were copied, woken or deleted by this call, about. */
  rows: number;
  /** Nothing is to be done before that; ms. */
  wait_ms: number;
}

/** Steps of one call: each is a few statements, and an invocation has a thousand. */
const MAX_STEPS = 60;

export interface MoverDeps {
  shards: ShardStore;
  /** Of shards. */
  count: number;
  /** Until all of the service knows that an owner is on its way, ms. */
  knownAfterMs: number;
  /** Until all of the service knows that it has arrived, ms. */
  arrivedAfterMs: number;
  findMoves(from: number, to: number): Moves;
  /** The clock of that shard looks at what is due. */
  wakeClock(shard: number): Promise<void>;
  now(): number;
}

const toText = (step: Step): string => JSON.stringify(step);

/**
 * Moves an owner to another database. First everybody hears that it is on its way, then its rows are fenced
 * and copied asleep; then it lives there, and they are woken; at last they are deleted here. It may be
 * interrupted anywhere: the next call goes on from the step that was noted last, and each may be repeated.
 */
export const createMover = (deps: MoverDeps) => {
  const { shards, count, now } = deps;

  const readStep = ({ step }: OwnerShard): Step => {
    if (step === null) throw new Error('A move has no step');
    return JSON.parse(step) as Step;
  };

  /** One step; the move as it stands then, null once it is over. */
  const advance = async (
    move: OwnerShard,
  ): Promise<{ move: OwnerShard | null; rows: number; waitMs: number }> => {
    const step = readStep(move);
    const { from } = step;
    const to = move.moving_to ?? from;
    const moves = deps.findMoves(from, to);
    const note = async (next: Phase, rows = 0) => ({
      move: await shards.noteStep(move, toText({ ...next, from })),
      rows,
      waitMs: 0,
    });
    if (step.phase === 'announced') {
      const waitMs = step.at + deps.knownAfterMs - now();
      if (waitMs > 0) return { move, rows: 0, waitMs };
      await moves.fence(move.owner);
      return note({ phase: 'copying', n: 0, after: null, late: false });
    }
    if (step.phase === 'copying') {
      const copied = await moves.copy(move.owner, step.n, step.after, step.late);
      if (copied && copied.next !== null) return note({ ...step, after: copied.next }, copied.rows);
      if (copied) return note({ ...step, n: step.n + 1, after: null });
      if (step.late) return note({ phase: 'cleaning', at: now() });
      // From here on its requests are answered there.
      const next: Step = { phase: 'waking', n: 0, after: null, from };
      return { move: await shards.switch(move, toText(next)), rows: 0, waitMs: 0 };
    }
    if (step.phase === 'waking') {
      const woken = await moves.wake(move.owner, step.n, step.after, now());
      if (woken && woken.next !== null) return note({ ...step, after: woken.next }, woken.rows);
      if (woken) return note({ ...step, n: step.n + 1, after: null });
      await deps.wakeClock(to);
      return note({ phase: 'copying', n: 0, after: null, late: true });
    }
    const waitMs = step.at + deps.arrivedAfterMs - now();
    if (waitMs > 0) return { move, rows: 0, waitMs };
    if (await moves.clean(move.owner)) return { move, rows: 1, waitMs: 0 };
    await moves.unfence(move.owner);
    await shards.endMove(move);
    return { move: null, rows: 0, waitMs: 0 };
  };

  /** The move of an owner that goes on, or one that begins now; null where it lives there already. */
  const findMove = async (owner: string, to: number): Promise<OwnerShard | null> => {
    const [found] = await shards.find([owner]);
    if (found && found.moving_to !== null) {
      if (found.moving_to === to) return found;
      const message = `It is being moved to shard ${found.moving_to}: let that come to its end`;
      throw new AppError('owner_moving', message);
    }
    if ((found?.shard ?? 0) === to) return null;
    const at = now();
    return shards.beginMove(
      owner,
      to,
      at,
      toText({ phase: 'announced', at, from: found?.shard ?? 0 }),
    );
  };

  return {
    /** Goes on with a move for a while; 404 for a shard that is not there. */
    async move(owner: string, to: number): Promise<MoveProgress> {
      if (!Number.isInteger(to) || to < 0 || to >= count)
        throw new AppError('shard_not_found', `There are ${count} shards: 0 to ${count - 1}`);
      let move = await findMove(owner, to);
      const from = move ? readStep(move).from : to;
      let rows = 0;
      let wait_ms = 0;
      for (let steps = 0; move && steps < MAX_STEPS && wait_ms === 0; steps += 1) {
        const done = await advance(move);
        rows += done.rows;
        wait_ms = done.waitMs;
        move = done.move;
      }
      return { owner, from, to, phase: move ? readStep(move).phase : 'done', rows, wait_ms };
    },
  };
};

export type Mover = ReturnType<typeof createMover>;

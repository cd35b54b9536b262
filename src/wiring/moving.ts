import { HOLD_HOME_MS } from '../access/homes.ts';
import { createMover, type Mover } from '../engine/mover.ts';
import { createMoves } from '../store/moves.ts';
import { createPlatform } from './platform.ts';
import { getServices } from './services.ts';

/** Keys and homes are held for ten seconds, and a request takes a moment more. */
const KNOWN_AFTER_MS = HOLD_HOME_MS + 1_000;
/** While an owner is on its way it is asked every second where it lives. */
const ARRIVED_AFTER_MS = 3_000;

/** Moves owners between the databases of this environment. */
export const findMover = (env: Env): Mover => {
  const { homes, shardStore, now } = getServices(env);
  const findDatabase = (shard: number): D1Database => createPlatform(env, shard).db;
  return createMover({
    shards: shardStore,
    count: homes.count,
    knownAfterMs: KNOWN_AFTER_MS,
    arrivedAfterMs: ARRIVED_AFTER_MS,
    findMoves: (from, to) => createMoves(findDatabase(from), findDatabase(to)),
    wakeClock: (shard) => getServices(env, shard).dispatcher.ensureAlarmBy(now()),
    now,
  });
};

import type { BoardDeps } from '../live/board.ts';
import { findServices, getServices } from './services.ts';

/** What a board reads, wherever its owner lives. */
export const createBoardDeps = (env: Env): BoardDeps => {
  const { metrics, keys, now } = getServices(env);
  return {
    async getMany(tasks) {
      const [first] = tasks;
      // All of one owner.
      return first ? (await findServices(env, first.owner)).readForBoard.getMany(tasks) : [];
    },
    findNewest: async (owner, limit) =>
      (await findServices(env, owner)).readForBoard.findNewest(owner, limit),
    readFlow: async (owner, id) =>
      (await findServices(env, owner)).readForBoard.readFlow(owner, id),
    countStreams: metrics.countStreams,
    findEndedKeys: (ids) => keys.findEnded(ids, now()),
    now,
  };
};

import fc from 'fast-check';
import { runs } from './commands.ts';
import { World, type Mutation } from './world.ts';

/** Any run of commands keeps the invariants, and once the faults stop everything ends. */
export const sound = (mutation?: Mutation) =>
  fc.asyncProperty(runs, async (commands) => {
    const world = await World.empty(mutation);
    await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
    const misfit = mutation?.misfit?.() ?? null;
    if (misfit !== null) throw new Error(`The mutant no longer fits its statement: ${misfit}`);
    await world.quiesce();
    world.crash(true);
  });

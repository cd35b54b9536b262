import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { chooseDispatcher } from '../../src/engine/dispatcher.ts';
import { getServices } from '../../src/wiring/services.ts';

/**
 * Sends what earlier files of the same runtime have counted in memory. Call it before a test that
 * looks at counts: the reset between files ended the timers that would have sent them.
 */
export const flushCounts = async (): Promise<void> => {
  await getServices(env).metrics.flush();
  const dispatcher = env.DISPATCHER.getByName(chooseDispatcher());
  await runInDurableObject(dispatcher, (object) =>
    getServices((object as unknown as { env: Env }).env).metrics.flush(),
  );
};

import type { Context } from 'hono';
import type { Logger } from '../log.ts';
import type { Identity } from '../domain/api-key.ts';
import type { Services } from '../wiring/services.ts';

/** The context of every route. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    services: Services;
    requestId: string;
    /** The tenant that this request speaks for. */
    owner: string;
    identity: Identity;
    log: Logger;
  };
}

export type AppContext = Context<AppEnv>;

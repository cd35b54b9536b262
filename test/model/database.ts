import { env } from 'cloudflare:workers';

const second = (env as unknown as { DB_1?: D1Database }).DB_1;

/** Whether there is a second database: then the model is of that. */
export const isSharded = second !== undefined;
/** What the model runs on. */
export const database = second ?? env.DB;

import * as z from 'zod';
import { defineHandler } from './handler.ts';

export const broken = defineHandler({
  type: 'broken',
  description: 'Always fails, attempt by attempt: to see retries and failures at work.',
  lane: 'default',
  params: z.strictObject({}),
  example: {},
  timeoutMs: 5_000,
  run: ({ attempt }) => {
    throw new Error(`This task always fails; this was attempt ${attempt}`);
  },
});

import type { Editor } from '../../../engine/schedule-commands.ts';
import type { AppContext } from '../../context.ts';
import { consumeRate } from '../../middleware/limit.ts';

/** How the path parameter of a schedule is documented. */
export const SCHEDULE_ID = { id: { description: 'The id of a schedule, or its name' } };

/** The caller, for whom a schedule is written or its task submitted. */
export const toEditor = (c: AppContext): Editor => ({
  keyId: c.get('identity').keyId,
  requestId: c.get('requestId'),
  ownHost: new URL(c.req.url).hostname,
  taskTypes: c.get('identity').taskTypes,
  consumeMetered: (runs) => consumeRate(c, 'metered', runs),
});

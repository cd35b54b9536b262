import { AppError } from '../../../domain/errors.ts';
import { UUID } from '../../read-task.ts';
import type { AppContext } from '../../context.ts';

/** How the path parameter of a flow is documented. */
export const FLOW_ID = { id: { description: 'The id of a flow', format: 'uuid' } };

export const refuseUnknownFlow = (id: string): AppError =>
  new AppError('flow_not_found', `There is no flow "${id.slice(0, 100)}"`);

/** The id of the path; what cannot be one is as unknown as one that is not there. */
export const readFlowId = (c: AppContext): string => {
  const id = c.req.param('id') ?? '';
  if (!UUID.test(id)) throw refuseUnknownFlow(id);
  return id.toLowerCase();
};

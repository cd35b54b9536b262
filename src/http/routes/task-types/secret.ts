import { AppError } from '../../../domain/errors.ts';
import { deriveTypeSecret } from '../../../domain/derived-secret.ts';
import type { RegisteredType } from '../../../domain/registered-type.ts';
import type { AppContext } from '../../context.ts';

/** The secret that the type's requests are signed with from now on. */
export const deriveOwnSecret = (c: AppContext, row: RegisteredType): Promise<string> => {
  const { ROOT_SECRET: root } = c.get('services').settings;
  if (root !== undefined) return deriveTypeSecret(root, row, row.secret_version);
  const message =
    'Requests to endpoints are signed, and this service has no ROOT_SECRET to do it with; npm run deploy sets it';
  throw new AppError('callbacks_not_configured', message);
};

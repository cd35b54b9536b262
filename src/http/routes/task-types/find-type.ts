import { AppError } from '../../../domain/errors.ts';
import { suggest } from '../../../domain/suggest.ts';
import type { Handler } from '../../../handlers/handler.ts';
import type { OutsideRun } from '../../../handlers/outside-run.ts';
import type { AppContext } from '../../context.ts';
import { orUnavailable } from '../../read-task.ts';

const refuse = async (c: AppContext, name: string): Promise<never> => {
  const { builtInTypes, taskTypes } = c.get('services');
  const rows = await orUnavailable(c, () => taskTypes.list(c.get('owner')));
  const known = [...builtInTypes.map(({ type }) => type), ...rows.map((row) => row.name)];
  throw new AppError('type_not_found', `No such task type${suggest(name, known)}`);
};

/** A type by its name or an alias, as it is now; 404 when there is none. */
export const findType = async (c: AppContext, name: string): Promise<Handler> => {
  const { catalog, registry, taskTypes } = c.get('services');
  const owner = c.get('owner');
  const known = catalog.find(owner, name);
  if (known && !known.outside) return known;
  const [row] = await orUnavailable(c, () => taskTypes.getMany(owner, [name]));
  return row ? registry.keep(row) : refuse(c, name);
};

/** A type that the owner registered; 409 for a built-in one. */
export const findRegistered = async (
  c: AppContext,
  name: string,
): Promise<Handler & { outside: OutsideRun }> => {
  const { outside, ...handler } = await findType(c, name);
  if (outside) return { ...handler, outside };
  throw new AppError('type_built_in', `"${handler.type}" is a built-in type`);
};

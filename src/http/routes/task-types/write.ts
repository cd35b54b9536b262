import { Hono } from 'hono';
import * as z from 'zod';
import { assertTypeAllowed } from '../../../domain/api-key.ts';
import { AppError } from '../../../domain/errors.ts';
import { refuseFields, toFieldErrors } from '../../../domain/field-errors.ts';
import { compileSchema } from '../../../domain/json-schema.ts';
import { findUrlProblem } from '../../../domain/outgoing.ts';
import {
  MAX_REGISTERED_TYPES,
  registeredName,
  toRunKind,
  typeDefinition,
  type TypeDefinition,
} from '../../../domain/registered-type.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { recordAudit } from '../../record-audit.ts';
import { findRegistered } from './find-type.ts';
import { deriveOwnSecret } from './secret.ts';
import { taskTypeSchema, toTypeView } from './type-view.ts';

const NAME = { params: { name: { description: 'The name of a type of yours' } } };
const withSecret = taskTypeSchema.extend({
  secret: z
    .string()
    .optional()
    .meta({ description: 'What requests to a new endpoint are signed with; shown this once' }),
});

/** 422 for a name that cannot be one, 409 for one of ours. */
const readName = (c: AppContext): string => {
  const { catalog } = c.get('services');
  const name = c.req.param('name') ?? '';
  const parsed = registeredName.safeParse(name);
  if (!parsed.success) refuseFields(toFieldErrors(parsed.error, 'path', ['name']));
  const known = catalog.find('', name);
  if (known)
    throw new AppError('type_built_in', `"${name}" is a built-in type, or another name of one`);
  return name;
};

/** What a schema cannot see: the address, and whether the example fits. */
const assertFits = (c: AppContext, definition: TypeDefinition): void => {
  const { outgoingRules } = c.get('services');
  const ownHosts = [new URL(c.req.url).hostname];
  const url = 'endpoint' in definition.run ? definition.run.endpoint.url : null;
  const problem = url === null ? null : findUrlProblem(url, { ...outgoingRules, ownHosts });
  if (problem !== null)
    refuseFields([{ in: 'body', path: 'run.endpoint.url', code: 'refused_url', message: problem }]);
  if (definition.example === undefined) return;
  const wrong = compileSchema(definition.params ?? true)(definition.example);
  if (wrong.length > 0)
    refuseFields(
      wrong.map(({ path, message }) => ({
        in: 'body',
        path: ['example', ...path].join('.'),
        code: 'custom',
        message,
      })),
    );
};

/** 409: why a type could not be stored. */
const refuseType = async (c: AppContext, name: string): Promise<never> => {
  const { taskTypes } = c.get('services');
  const [present] = await orUnavailable(c, () => taskTypes.getMany(c.get('owner'), [name]));
  if (present)
    throw new AppError(
      'type_in_use',
      `Tasks of "${name}" have not ended: until then it is run as it was`,
    );
  const message = `An owner has at most ${MAX_REGISTERED_TYPES} types of its own`;
  throw new AppError('too_many_types', message);
};

/** Registering types, and ending them. */
export const typeWriteRoutes = new Hono<AppEnv>()
  .put(
    '/:name',
    docs({
      id: 'putTaskType',
      tag: 'Types and queues',
      summary: 'Register a type that your own code runs, or a person ends',
      description:
        '`run` says who runs its tasks: `{ "endpoint": { "url" } }` is called with each, ' +
        '`{ "worker": {} }` are programs of yours that ask for them (`POST /work`), ' +
        '`{ "manual": {} }` wait for `POST /tasks/{id}/complete`. A change is seen everywhere ' +
        'within 10 seconds.',
      ...NAME,
      answers: {
        200: { description: 'The type, changed', body: withSecret },
        201: { description: 'The type, new', body: withSecret },
      },
      errors: [
        'type_built_in',
        'type_in_use',
        'type_not_allowed',
        'too_many_types',
        'callbacks_not_configured',
      ],
      examples: {
        worker: { description: 'Resizes pictures', run: { worker: {} } },
        approval: { description: 'Somebody says yes or no', run: { manual: {} } },
      },
    }),
    scope('types:write'),
    limit('writes'),
    json(typeDefinition),
    async (c) => {
      const name = readName(c);
      assertTypeAllowed(c.get('identity').taskTypes, name);
      const definition = c.req.valid('json');
      assertFits(c, definition);
      const { taskTypes, registry, now } = c.get('services');
      const owner = c.get('owner');
      const at = now();
      const row = await orUnavailable(c, () =>
        taskTypes.put(
          {
            owner,
            name,
            definition: JSON.stringify(definition),
            created_by_key: c.get('identity').keyId,
          },
          MAX_REGISTERED_TYPES,
          at,
        ),
      );
      if (!row) return refuseType(c, name);
      const isNew = row.created_at === at;
      const secret =
        toRunKind(definition) === 'endpoint' && isNew ? await deriveOwnSecret(c, row) : undefined;
      await recordAudit(c, 'task_type.registered', owner, name);
      const view = toTypeView(c, registry.keep(row));
      return c.json({ ...view, ...(secret !== undefined && { secret }) }, isNew ? 201 : 200);
    },
  )

  .delete(
    '/:name',
    docs({
      id: 'deleteTaskType',
      tag: 'Types and queues',
      summary: 'Delete a type of yours that has no unfinished task',
      ...NAME,
      answers: { 204: { description: 'It is gone', body: null } },
      errors: ['type_built_in', 'type_not_found', 'type_in_use'],
    }),
    scope('types:write'),
    limit('writes'),
    async (c) => {
      const { type: name } = await findRegistered(c, c.req.param('name'));
      const { taskTypes, registry } = c.get('services');
      const owner = c.get('owner');
      if (!(await orUnavailable(c, () => taskTypes.remove(owner, name))))
        throw new AppError('type_in_use', `Tasks of "${name}" have not ended`);
      registry.forget(owner, name);
      await recordAudit(c, 'task_type.deleted', owner, name);
      return c.body(null, 204);
    },
  );

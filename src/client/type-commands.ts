import type { SendJson } from './request.ts';
import type { RegisteredType, TypeDefinition } from './types.ts';

const typePath = (name: string, rest = ''): string =>
  `/task-types/${encodeURIComponent(name)}${rest}`;

/** What registers types, and looks after them. */
export const createTypeCommands = (json: SendJson) => ({
  /** Registers a type that a worker or an endpoint of yours runs, or a person ends. */
  registerType: (name: string, definition: TypeDefinition): Promise<RegisteredType> =>
    json(typePath(name), { method: 'PUT', json: definition, isRepeatable: true }),
  /** Lets no run of a type begin until it is resumed. */
  pauseType: (name: string): Promise<RegisteredType> =>
    json(typePath(name, '/pause'), { method: 'POST', isRepeatable: true }),
  resumeType: (name: string): Promise<RegisteredType> =>
    json(typePath(name, '/resume'), { method: 'POST', isRepeatable: true }),
  /** Deletes a type that has no unfinished task. */
  deleteType: (name: string): Promise<void> => json(typePath(name), { method: 'DELETE' }),
  /** Sends the example of a type to its endpoint once; no task is made. `status` null: no answer. */
  testType: (
    name: string,
  ): Promise<{ status: number | null; duration_ms: number; answer: string }> =>
    json(typePath(name, '/test'), { method: 'POST' }),
  /** Makes another signing secret, shown once; the one before signs as well for a day. */
  rotateTypeSecret: (name: string): Promise<{ secret: string }> =>
    json(typePath(name, '/secret/rotate'), { method: 'POST' }),
});

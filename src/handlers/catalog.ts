import { broken } from './broken.ts';
import { bulkAction } from './bulk-action.ts';
import { chatgpt } from './chatgpt.ts';
import { dataProcessing } from './data-processing.ts';
import { emailSending } from './email-sending.ts';
import { fileProcessing } from './file-processing.ts';
import { flaky } from './flaky.ts';
import type { Handler } from './handler.ts';
import { longestConsecutiveLetters } from './longest-consecutive-letters.ts';
import { simulate } from './simulate.ts';
import { sum } from './sum.ts';
import { weather } from './weather.ts';

/** The built-in task types. A new one is one file and one line here. */
export const builtInHandlers: readonly Handler[] = [
  sum,
  longestConsecutiveLetters,
  dataProcessing,
  fileProcessing,
  chatgpt,
  weather,
  emailSending,
  simulate,
  broken,
  flaky,
  bulkAction,
];

/** The only way to a handler: executor, recorder, cache, rates, metrics and routes all ask here. */
export interface Catalog {
  /**
   * The handler of a type or of one of its aliases, as this owner sees it. Built-in types are the
   * same for every owner.
   */
  find(owner: string, name: string): Handler | undefined;
  /**
   * Makes those of these names known that the owner registered: seen within 10 s of a change.
   * Undefined: there is nothing to read.
   */
  load(owner: string, names: readonly string[]): Promise<void> | undefined;
  /** All types that this owner may submit, as far as they are known here. */
  list(owner: string): readonly Handler[];
}

const byName = new Map(
  builtInHandlers.flatMap((handler) =>
    [handler.type, ...handler.aliases].map((name) => [name, handler]),
  ),
);

export const catalog: Catalog = {
  find: (_owner, name) => byName.get(name),
  load: () => undefined,
  list: () => builtInHandlers,
};

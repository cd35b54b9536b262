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

export { bulkAction };
export type { Handler };

/** The only list of task types. A new type is one file and one line here. */
export const handlers: readonly Handler[] = [
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

const byName = new Map(
  handlers.flatMap((handler) => [handler.type, ...handler.aliases].map((name) => [name, handler])),
);

/** The handler of a type or of one of its aliases. */
export const findHandler = (name: string): Handler | undefined => byName.get(name);

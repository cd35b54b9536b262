import { broken } from './broken.ts';
import { flaky } from './flaky.ts';
import type { Handler } from './handler.ts';
import { longestConsecutiveLetters } from './longest-consecutive-letters.ts';
import { simulate } from './simulate.ts';
import { sum } from './sum.ts';

/** The only list of task types. A new type is one file and one line here. */
export const handlers: readonly Handler[] = [sum, longestConsecutiveLetters, simulate, broken, flaky];

const byName = new Map(
  handlers.flatMap((handler) => [handler.type, ...handler.aliases].map((name) => [name, handler])),
);

/** The handler of a type or of one of its aliases. */
export const findHandler = (name: string): Handler | undefined => byName.get(name);

import type { ParseArgsConfig } from 'node:util';
import { formatTable } from './format.ts';
import type { Tasker } from '../client/index.ts';

/** What a command works with. */
export interface CommandContext {
  tasker: Tasker;
  /** The address of the service. */
  url: string;
  args: string[];
  options: Record<string, string | boolean | string[] | undefined>;
  isJson: boolean;
  print(text: string): void;
  /** Writes over the last line, on a terminal. */
  printOver(text: string): void;
  /** Writes text as it comes, without ending the line. */
  write(text: string): void;
  /** Says something beside the output: on stderr. */
  complain(text: string): void;
  signal: AbortSignal;
}

/** One command of the terminal. Returns its exit code; unset: 0. */
export interface Command {
  usage: string;
  summary: string;
  /** Lines of help, besides those of all commands. */
  help?: string;
  options?: NonNullable<ParseArgsConfig['options']>;
  run(context: CommandContext): Promise<number | void>;
}

/** An option that was given once. */
export const getText = ({ options }: CommandContext, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

/** An option that may be given several times. */
export const getTexts = ({ options }: CommandContext, name: string): string[] | undefined => {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : undefined;
};

/** Prints a list: as lines of JSON, or as a table. */
export const printRows = (
  { isJson, print }: CommandContext,
  items: readonly unknown[],
  rows: readonly Record<string, string>[],
  none: string,
): void => {
  if (isJson) for (const item of items) print(JSON.stringify(item));
  else print(rows.length === 0 ? none : formatTable(rows));
};

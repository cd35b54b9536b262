import { parseArgs, type ParseArgsConfig } from 'node:util';

/** Ends the command with a message for people. */
export function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/**
 * The command's options; prints `help` and ends for `--help`, and says what is wrong with anything
 * else.
 */
export const readOptions = <Options extends NonNullable<ParseArgsConfig['options']>>(
  help: string,
  options: Options,
) => {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } });
    if (!('help' in values && values.help)) return values;
    console.log(help);
    process.exit(0);
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${help}`);
  }
};

/** A whole number from an option's text. */
export const wholeNumber = (name: string, text: string, min: number, max: number): number => {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  return fail(`--${name} takes a whole number from ${min} to ${max}, not "${text}"`);
};

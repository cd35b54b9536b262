import { sha256 } from './hash.ts';

// Failures that differ in nothing but numbers, ids and quoted parts are the same failure.

/** What stands for a part that differs. A filter by error takes it for any text. */
export const ANY_TEXT = '…';
/** Of a longer message the beginning tells what it is. */
const MAX_COMPARED = 500;

const QUOTED = /"[^"]*"|'[^']*'|`[^`]*`|“[^”]*”|«[^»]*»/g;
const ID =
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b/gi;
const NUMBER = /-?\d+(?:[.,:]\d+)*/g;
const RUN = /…(?:[\s,.;:/-]*…)+/g;

/** A message without what differs from task to task. */
export const maskMessage = (message: string): string => {
  const compared = message.slice(0, MAX_COMPARED).toWellFormed();
  const masked = compared
    .replace(QUOTED, (quoted) => `${quoted[0]}${ANY_TEXT}${quoted.at(-1)}`)
    .replace(ID, ANY_TEXT)
    .replace(NUMBER, ANY_TEXT)
    .replace(RUN, ANY_TEXT);
  return message.length > MAX_COMPARED ? `${masked}${ANY_TEXT}`.replace(RUN, ANY_TEXT) : masked;
};

/** The same for failures of one kind: 16 hexadecimal digits. */
export const computeFingerprint = async (
  type: string,
  code: string | null,
  masked: string | null,
): Promise<string> => (await sha256(JSON.stringify([type, code, masked]))).slice(0, 16);

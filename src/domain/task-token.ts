import { createTokens } from './signed-token.ts';

// A token for a browser: it reads one task, until it expires or its key ends.

const tokens = createTokens('tt_', 'task-token');

/** What a token says. Times are ms. */
export interface TaskToken {
  owner: string;
  taskId: string;
  /** The key that it was made with; null: this machine, without keys. */
  keyId: string | null;
  expiresAt: number;
}

/** Signs a token with the service's own key. */
export const signTaskToken = (
  root: string,
  { owner, taskId, keyId, expiresAt }: TaskToken,
): Promise<string> => tokens.sign(root, [owner, taskId, keyId, expiresAt]);

/** Whether a bearer looks like a token at all, rather than like a key. */
export const isTaskToken = tokens.matches;

/** What a token says; null when it was not signed here, or has expired at `now` (ms). */
export const verifyTaskToken = async (
  root: string,
  text: string,
  now: number,
): Promise<TaskToken | null> => {
  const values = await tokens.read(root, text);
  if (!values) return null;
  const [owner, taskId, keyId, expiresAt] = values as [string, string, string | null, number];
  return now < expiresAt ? { owner, taskId, keyId, expiresAt } : null;
};

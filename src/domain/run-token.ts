import { createTokens } from './signed-token.ts';

// What a run outside is given: it speaks for this attempt of this task, and for nothing else.

const tokens = createTokens('run_', 'run');

/** One attempt of one task. */
export interface RunKey {
  owner: string;
  id: string;
  attempt: number;
}

/** What a token says: the run, and by whose key it was leased; null: by none. */
export interface RunBearer extends RunKey {
  keyId: string | null;
}

export const signRunToken = (
  root: string,
  { owner, id, attempt }: RunKey,
  keyId: string | null = null,
): Promise<string> =>
  tokens.sign(root, keyId === null ? [owner, id, attempt] : [owner, id, attempt, keyId]);

/** Whose run it is; null when it was not signed here. Whether the run goes on, its row says. */
export const readRunToken = async (root: string, text: string): Promise<RunBearer | null> => {
  const values = await tokens.read(root, text);
  if (!values) return null;
  const [owner, id, attempt, keyId = null] = values as [string, string, number, string?];
  return { owner, id, attempt, keyId };
};

import { createTokens } from './signed-token.ts';

// What a run outside is given: it speaks for this attempt of this task, and for nothing else.

const tokens = createTokens('run_', 'run');

/** One attempt of one task. */
export interface RunKey {
  owner: string;
  id: string;
  attempt: number;
}

export const signRunToken = (root: string, { owner, id, attempt }: RunKey): Promise<string> =>
  tokens.sign(root, [owner, id, attempt]);

/** Whose run it is; null when it was not signed here. Whether the run goes on, its row says. */
export const readRunToken = async (root: string, text: string): Promise<RunKey | null> => {
  const values = await tokens.read(root, text);
  if (!values) return null;
  const [owner, id, attempt] = values as [string, string, number];
  return { owner, id, attempt };
};

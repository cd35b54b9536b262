import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WRANGLER = fileURLToPath(
  new URL('../node_modules/wrangler/bin/wrangler.js', import.meta.url),
);

/**
 * The project's own wrangler, run by this very Node; never asks a question (CI=1) and never builds
 * as something else.
 */
export const wrangler = (args: readonly string[], stdio: StdioOptions): ChildProcess => {
  const { NODE_ENV: _, ...env } = process.env;
  return spawn(process.execPath, [WRANGLER, ...args], { stdio, env: { ...env, CI: '1' } });
};

/** Runs wrangler to its end and returns what it printed. */
export const runWrangler = async (
  args: readonly string[],
): Promise<{ code: number; output: string }> => {
  const child = wrangler(args, ['ignore', 'pipe', 'pipe']);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number>((resolve) =>
    child.on('close', (status) => resolve(status ?? 1)),
  );
  return { code, output };
};

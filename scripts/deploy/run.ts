/** Runs wrangler to its end and returns what it printed. */
export type RunWrangler = (args: readonly string[]) => Promise<{ code: number; output: string }>;

/** As wrangler.toml has them: writes of a key, and submits of types that cost money; a minute each. */
export const RATES = {
  writes: { limit: 6_000, windowSeconds: 60 },
  costed: { limit: 60, windowSeconds: 60 },
} as const;

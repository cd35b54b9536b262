/** Writes of a key, and submits of types that cost money; a minute each. The platform, in wrangler.toml, counts `weight` of them as one. */
export const RATES = {
  writes: { limit: 6_000, windowSeconds: 60, weight: 50 },
  metered: { limit: 60, windowSeconds: 60, weight: 1 },
} as const;

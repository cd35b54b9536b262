/**
 * Writes of a key, what its reads cost, and an owner's runs of types that cost money; a minute each. The platform, in
 * wrangler.toml, counts `weight` of them as one. `label`: the name of the policy in headers.
 */
export const RATES = {
  writes: { label: 'writes', limit: 6_000, windowSeconds: 60, weight: 50 },
  reads: { label: 'reads', limit: 6_000, windowSeconds: 60, weight: 50 },
  metered: { label: 'costed', limit: 60, windowSeconds: 60, weight: 1 },
} as const;
export type RateName = keyof typeof RATES;

import { SLICE_MS } from '../domain/limit.ts';

// Token buckets, as SQL; `p` is what the columns of a rate begin with, ?3 is now in ms.

/** Tokens that come in one slice. */
export const sliceSql = (p: string): string => `(${p}rate_count * ${SLICE_MS}.0 / ${p}rate_ms)`;

/**
 * Tokens that a rate holds at most: what may begin together, and a slice more, so that a clock that is
 * late by less than a slice slows nothing down. In a time of n ms never more than this begin, and
 * n × count / ms more.
 */
export const capacitySql = (p: string): string =>
  `(max(coalesce(${p}rate_burst, 1), ${sliceSql(p)}) + ${sliceSql(p)})`;

/** Tokens at ?3; NULL where there is no rate. A clock that was put back takes none away. */
export const tokensSql = (p: string, tokens: string, tokensAt: string): string =>
  `min(${capacitySql(p)}, coalesce(
      ${tokens} + max(0, ?3 - ${tokensAt}) * 1.0 * ${p}rate_count / ${p}rate_ms,
      ${capacitySql(p)}
    ))`;

/** What is left of the rate of a limit at ?3, as SQL. */
export const limitTokensSql = tokensSql('', 'tokens', 'tokens_at');

/** Rounding must not cost a token. */
export const wholeSql = (tokens: string): string => `CAST(${tokens} + 0.000001 AS INTEGER)`;

/** A clock that is put back by more than this was set; by less, calls have overtaken each other. */
const OVERTAKEN_MS = 60_000;

/**
 * The moment of what is left. A call that was overtaken by a later one must not have its time counted
 * twice.
 */
export const tokensAtSql = (tokensAt: string): string =>
  `CAST(CASE
    WHEN ${tokensAt} BETWEEN ?3 AND ?3 + ${OVERTAKEN_MS} THEN ${tokensAt}
    ELSE ?3
  END AS INTEGER)`;

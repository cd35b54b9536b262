import { FINAL_STATUSES, type Status } from './words.ts';

/** How long tasks of a type, of a status, or of both are kept after their end. */
export interface RetentionRule {
  type: string | null;
  status: Status | null;
  /** 0 keeps them. */
  days: number;
}

/** When tasks must have ended to be deleted (ms), by rule; 0 deletes none. */
export interface PruneCutoffs {
  rules: readonly (Pick<RetentionRule, 'type' | 'status'> & { before: number })[];
  /** For all that no rule names. */
  otherwise: number;
}

const DAY_MS = 24 * 3_600_000;
const RULE =
  /^(?:(?<type>[a-z][a-z0-9_]*)|(?<status>[A-Z]+)|(?<both>[a-z][a-z0-9_]*\.[A-Z]+))=(?<days>\d{1,4}(?:\.\d{1,3})?)$/;

/** Reads `FAILED=90`, `sum=1` or `sum.FAILED=7`; null for anything else. */
export const parseRetentionRule = (text: string): RetentionRule | null => {
  const { type, status, both, days } = RULE.exec(text)?.groups ?? {};
  const [bothType, bothStatus] = both?.split('.') ?? [];
  const named = status ?? bothStatus ?? null;
  if (days === undefined) return null;
  if (named !== null && !(FINAL_STATUSES as readonly string[]).includes(named)) return null;
  return { type: type ?? bothType ?? null, status: named as Status | null, days: Number(days) };
};

const countNamed = ({ type, status }: Pick<RetentionRule, 'type' | 'status'>): number =>
  (type === null ? 0 : 2) + (status === null ? 0 : 1);

/** The cutoffs at `now` (ms): what names more goes first, and a type before a status. */
export const computeCutoffs = (
  rules: readonly RetentionRule[],
  otherwiseDays: number,
  now: number,
): PruneCutoffs => {
  const toCutoff = (days: number): number => (days === 0 ? 0 : Math.floor(now - days * DAY_MS));
  return {
    rules: rules
      .toSorted((a, b) => countNamed(b) - countNamed(a))
      .map(({ type, status, days }) => ({ type, status, before: toCutoff(days) })),
    otherwise: toCutoff(otherwiseDays),
  };
};

/** Nothing ends later than this and is deleted. */
export const findLatestCutoff = ({ rules, otherwise }: PruneCutoffs): number =>
  Math.max(otherwise, ...rules.map(({ before }) => before));

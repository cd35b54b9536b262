/** `count` tasks begin in `per_seconds` (1 unless given), evenly; `burst` may begin together. */
export interface Rate {
  count: number;
  per_seconds?: number;
  burst?: number;
}

/** What a limit allows; what is left out is not limited. */
export interface LimitSettings {
  max_running?: number;
  rate?: Rate;
  /** For each sub-key, within the numbers of the key. */
  sub?: { max_running?: number; rate?: Rate };
}

/** The limit of a task. Its numbers make a limit that is not there, and change none. */
export interface LimitOptions extends LimitSettings {
  /** The type unless given. */
  key?: string;
  /** Whose share it is, such as a tenant. In a type also a path, such as `params.customer`. */
  sub_key?: string;
}

export interface UniqueOptions {
  /** The type and the parameters unless given. */
  key?: string;
  /** Until the other task has ended, or so many seconds after its submit. */
  while?: 'unfinished' | number;
  on_conflict?: 'return' | 'refuse' | 'replace';
  /** With `replace`: so long after the first submit it begins. */
  at_most_seconds?: number;
}

/** Why a task does not run. */
export interface WaitingFor {
  reason:
    | 'time'
    | 'retry'
    | 'queue_paused'
    | 'type_paused'
    | 'limit'
    | 'flow'
    | 'backlog'
    | 'worker'
    | 'person'
    | 'paused';
  message: string;
  expected_at: string | null;
  queue: string | null;
  paused_at: string | null;
  paused_by: string | null;
  waiting: number | null;
  /** How the limit stands that it waits for. */
  limit: {
    key: string;
    sub_key: string | null;
    running: number;
    of: number | null;
    position: number;
  } | null;
  /** The tasks of its flow that it waits for. */
  nodes: string[] | null;
}

/** A rate as the service answers it. */
interface RateView {
  count: number;
  per_seconds: number;
  burst: number;
}

/** A limit as the service answers it. Times are ISO 8601. */
export interface LimitView {
  key: string;
  /** Null: any number. */
  max_running: number | null;
  rate: RateView | null;
  sub: { max_running: number | null; rate: RateView | null } | null;
  running: number;
  /** At most 10 000 are counted, 1 000 in a list. */
  waiting: number;
  /** What is left of the rate; null without one. */
  tokens: number | null;
  paused_until: string | null;
  created_at: string;
  updated_at: string;
}

/** The same by itself. */
export interface LimitDetail extends LimitView {
  /** Tasks that ended in a second, lately. */
  pace: number | null;
  top_waiting: { sub_key: string; waiting: number; running: number }[];
}

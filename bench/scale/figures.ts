/** What was measured of all shards together, after the warm-up. */
export interface Measured {
  submits_per_second: number;
  tasks_per_second: number;
  /** Requests that were refused, or had no answer: none of their tasks were told to be accepted. */
  refused: number;
  /** Tasks that were accepted and had not ended when all was quiet. */
  lost: number;
  ended_per_second: number;
  accept_p50_ms: number;
  latency_p50_ms: number;
  latency_p95_ms: number;
  latency_p99_ms: number;
  latency_max_ms: number;
  consumers: number;
  database_busy: number;
  dollars_a_million: number;
}

/** What so many databases take: docs/performance-scale.json has one of these for each number of them. */
export interface ScaleFigures {
  shards: number;
  /** A hundred callers a database, each with one submit after the other. */
  single: Measured;
  /** Twenty callers a database, a hundred tasks a request. */
  bulk: Measured;
  /** Half the pace of single submits, evenly. */
  half: Measured;
  /** Days until all is full at the pace of single submits, without pruning. */
  days_until_full: number;
  /** Tasks a second that fit for 30 days. */
  kept_30_days_per_second: number;
}

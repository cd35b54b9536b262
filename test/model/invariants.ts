import { readStub } from '../../src/domain/body.ts';
import { MAX_RESCUES, isFinal } from '../../src/domain/words.ts';
import type { Attempt } from '../../src/domain/attempts.ts';
import type { Delivery } from '../../src/domain/delivery.ts';
import { isWorkerQueue } from '../../src/domain/routing.ts';
import { type Task } from '../../src/domain/task.ts';

/** What the command just carried out may have done to a final row. */
export interface Allowed {
  /** The id whose rerun was asked for. */
  retry?: string;
  removed?: string;
  /** Whole flows may go back, or be deleted. */
  flows?: boolean;
}

/** What the invariants need to know of the world beside its rows. */
export interface Witness {
  now: number;
  alarmAt: number | null;
  /** The clock was put back, so that what was due within a minute now is later. */
  behindMs: number;
  accepted: ReadonlySet<string>;
  refused: ReadonlySet<string>;
  acknowledged: { id: string; attempt: number }[];
  /** Outcomes that wait for the database, by owner, id and attempt. */
  kept: ReadonlyMap<string, string>;
}

/** While anything is live, the alarm is at most this far ahead. */
const MAX_PAUSE_MS = 60_000;

const hold = (name: string, condition: boolean, row?: Task): void => {
  if (!condition) throw new Error(`${name} is broken${row ? `: ${JSON.stringify(row)}` : ''}`);
};

/** What a result says of itself; of one that lies outside, its name says which attempt wrote it. */
export const readOutcome = (result: string | null): { id?: string; attempt?: number } => {
  const outside = readStub(result);
  return outside
    ? { attempt: Number(outside.name.split('-')[0]) }
    : (JSON.parse(result ?? '{}') as { id?: string; attempt?: number });
};

const outcomeOf = ({ status, result, attempt, completed_at }: Task): string =>
  JSON.stringify({ status, result, attempt, completed_at });

/** One row by itself. */
const assertRow = (row: Task): void => {
  const history = (JSON.parse(row.attempts) as Attempt[]).map(({ attempt }) => attempt);
  const ended = row.status === 'IN_PROGRESS' ? row.attempt - 1 : row.attempt;
  hold('I3: attempt <= max_attempts + rescues', row.attempt <= row.max_attempts + row.rescues, row);
  hold('I3: rescues <= 3', row.rescues <= MAX_RESCUES, row);
  hold('I4: a running task has a lease', row.status !== 'IN_PROGRESS' || row.wake_at !== null, row);
  hold(
    'I4: a final or paused task has none',
    !(isFinal(row.status) || row.status === 'PAUSED') || row.wake_at === null,
    row,
  );
  const { status, held, wake_at } = row;
  const isHeldRight = {
    NEW: held === 'time' && wake_at !== null,
    PENDING:
      held === 'queue' || held === 'worker' || held === 'limit'
        ? wake_at === null
        : held === 'flow' || (held !== 'lease' && wake_at !== null),
    IN_PROGRESS: held === null || held === 'lease',
  };
  hold(
    'I7: what holds a task fits its status',
    status in isHeldRight ? isHeldRight[status as keyof typeof isHeldRight] : held === null,
    row,
  );
  if (isWorkerQueue(row.queue)) {
    const places = { PENDING: ['worker', 'time', 'limit', 'flow'], IN_PROGRESS: ['lease'] };
    const place = places[status as keyof typeof places];
    hold('I7: a worker’s task is told to workers alone', place?.includes(held ?? '') ?? true, row);
    hold(
      'I8: the lease of a run outside ends with its time',
      status !== 'IN_PROGRESS' || Number(wake_at) <= Number(row.started_at) + row.timeout_ms,
      row,
    );
  }
  const { id = row.id, attempt: by } = readOutcome(row.result);
  hold('I5: the outcome is of this very task', id === row.id, row);
  hold(
    'I5: the outcome comes from the latest attempt',
    row.result === null || (row.for_each !== null && row.item === null) || by === row.attempt,
    row,
  );
  hold(
    'every attempt that ended is in the history, once and in order',
    history.length === ended && history.every((attempt, i) => attempt === i + 1),
    row,
  );
};

/**
 * The invariants of the promise (I1 to I5), and that the alarm is set whenever something is due.
 */
export const assertSound = (
  world: Witness,
  before: readonly Task[],
  after: readonly Task[],
  { retry, removed, flows = false }: Allowed,
): void => {
  const byId = new Map(after.map((row) => [row.id, row]));
  for (const row of after) assertRow(row);
  for (const id of world.accepted) hold(`I1: ${id} was accepted and exists`, byId.has(id));
  for (const id of world.refused) hold(`I1: ${id} was refused and does not exist`, !byId.has(id));
  for (const old of before) {
    const row = byId.get(old.id);
    if (!row) {
      hold('I1: only a delete makes a task disappear', removed === old.id || flows, old);
      continue;
    }
    hold('I3: attempt never decreases', row.attempt >= old.attempt, row);
    hold('version never decreases', row.version >= old.version, row);
    const mayRerun =
      (retry === old.id || flows) && (old.status === 'FAILED' || old.status === 'CANCELLED');
    if (isFinal(old.status) && !mayRerun)
      hold('I2: a final row never changes', outcomeOf(row) === outcomeOf(old), row);
  }
  for (const { id, attempt } of world.acknowledged) {
    const row = byId.get(id);
    hold(
      'a message is acknowledged only when its outcome is committed, or kept',
      row?.status !== 'IN_PROGRESS' ||
        row.attempt !== attempt ||
        [...world.kept.keys()].some((key) => key.endsWith(`:${id}:${attempt}`)),
      row,
    );
  }
  const isLive = after.some(
    ({ status, held, wake_at }) =>
      (status === 'PENDING' || status === 'IN_PROGRESS') &&
      (wake_at !== null || held === 'worker' || held === 'limit'),
  );
  const earliest = Math.min(...after.map(({ wake_at }) => wake_at ?? Infinity));
  hold('the alarm is set while anything is due', earliest === Infinity || world.alarmAt !== null);
  if (isLive && world.behindMs === 0)
    hold(
      'the clock strikes within a minute while anything is live',
      (world.alarmAt ?? Infinity) <= world.now + MAX_PAUSE_MS,
    );
};

const ended = ({ state, tries }: Delivery): string => JSON.stringify({ state, tries });
const keyOf = ({ task_id, version, sink }: Delivery): string =>
  JSON.stringify([task_id, version, sink]);

/**
 * I6: every final transition owes one notification to each sink that wants it, until it is
 * delivered or given up.
 */
export const assertNotified = (
  world: Witness,
  rows: readonly Task[],
  before: readonly Delivery[],
  after: readonly Delivery[],
  { removed, flows = false }: Allowed,
): void => {
  const fail = (name: string, what: unknown): never => {
    throw new Error(`${name} is broken: ${JSON.stringify(what)}`);
  };
  for (const row of rows.filter(({ status }) => isFinal(status))) {
    const failure = row.status === 'FAILED' ? ['failure_webhook'] : [];
    for (const sink of row.callback_url === null ? failure : ['callback', ...failure]) {
      const owed = after.some(
        (each) =>
          each.task_id === row.id &&
          each.sink === sink &&
          each.status === row.status &&
          each.owed_at === row.completed_at,
      );
      if (!owed) fail(`I6: the end owes ${sink}`, row);
    }
  }
  const seen = new Set<string>();
  for (const each of after) {
    // A task may be cancelled, rerun and cancelled again without ever being claimed.
    const end = JSON.stringify([each.task_id, each.attempt, each.status, each.sink]);
    if (each.status !== 'CANCELLED' && seen.has(end))
      fail('I6: one notification for one end', each);
    seen.add(end);
    if (each.status !== 'FAILED' && each.sink !== 'callback')
      fail('only failures go to the operator', each);
  }
  const now = new Map(after.map((each) => [keyOf(each), each]));
  for (const old of before) {
    const each = now.get(keyOf(old));
    if (!each && old.task_id !== removed && !flows)
      fail('I6: only a delete gives a notification up', old);
    if (each && old.state !== 'OPEN' && ended(each) !== ended(old))
      fail('I6: what has ended stays ended', each);
  }
  const isOwed = after.some(({ wake_at }) => wake_at !== null);
  if (isOwed && world.alarmAt === null) fail('the alarm is set while a delivery is open', after);
};

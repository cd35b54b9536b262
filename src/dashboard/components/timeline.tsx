import type { TaskDetail } from '../../domain/view.ts';
import { formatDuration } from '../format.ts';
import { useNow } from '../hooks.ts';
import { Age } from './ui.tsx';

interface Span {
  kind: 'waiting' | 'running' | 'delay';
  from: number;
  to: number;
  label: string;
}

const ms = (iso: string): number => Date.parse(iso);

/** The phases of a task since it was submitted, in the order of time; nothing that lies ahead. */
const toSpans = (task: TaskDetail, now: number): Span[] => {
  const spans: Span[] = [];
  let since = ms(task.submitted_at);
  const add = (kind: Span['kind'], to: number, label: string): void => {
    if (to > since) spans.push({ kind, from: since, to, label });
    since = Math.max(since, to);
  };
  for (const { attempt, started_at, ended_at, outcome } of task.attempts) {
    const isFirst = spans.length === 0;
    if (started_at !== null)
      add(
        isFirst ? 'waiting' : 'delay',
        ms(started_at),
        isFirst ? 'waited' : `waited for attempt ${attempt}`,
      );
    add('running', ms(ended_at), `attempt ${attempt} ${outcome}`);
  }
  if (task.status === 'IN_PROGRESS' && task.started_at !== null) {
    add(spans.length === 0 ? 'waiting' : 'delay', ms(task.started_at), 'waited');
    add('running', now, `attempt ${task.attempt} is running`);
  } else if (task.status === 'NEW' || task.status === 'PENDING' || task.status === 'PAUSED')
    add(task.attempt > 0 ? 'delay' : 'waiting', now, 'waiting');
  return spans;
};

/** Round lengths that an axis is divided by, in ms. */
const NICE_MS = [
  1, 5, 20, 100, 500, 1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000,
  86_400_000, 604_800_000,
];

/** Marks along the axis: at most six. */
const toMarks = (whole: number): number[] => {
  const step = NICE_MS.find((nice) => whole / nice <= 6) ?? whole;
  return Array.from({ length: Math.floor(whole / step) + 1 }, (_, i) => i * step);
};

/** Its attempts, drawn to scale: what waited, what ran, and the delays between. */
export const Timeline = ({ task }: { task: TaskDetail }) => {
  const now = useNow();
  const spans = toSpans(task, now);
  const [first, last] = [spans[0], spans.at(-1)];
  if (!first || !last) return <p class="muted">It was final as soon as it was submitted.</p>;
  const whole = Math.max(1, last.to - first.from);
  const part = (span: Span): string =>
    `${formatDuration((span.to - span.from) / 1_000)} ${span.label}`;
  const toPercent = (length: number): string => `${(length / whole) * 100}%`;
  return (
    <figure class="timeline">
      <div class="bar" role="img" aria-label={spans.map(part).join(', ')}>
        {spans.map((span) => (
          <span
            key={span.from}
            class={span.kind}
            title={part(span)}
            style={{
              left: toPercent(span.from - first.from),
              width: toPercent(span.to - span.from),
            }}
          />
        ))}
      </div>
      <div class="axis" aria-hidden="true">
        {toMarks(whole).map((at) => (
          <span key={at} style={{ left: toPercent(at) }}>
            {formatDuration(at / 1_000)}
          </span>
        ))}
      </div>
      <figcaption>
        <span class="key waiting">waiting</span>
        <span class="key running">running</span>
        <span class="key delay">between attempts</span>
        <span class="grow" />
        <span>{formatDuration(whole / 1_000)} in all</span>
      </figcaption>
    </figure>
  );
};

const seconds = (from: string | null, to: string): number | null =>
  from === null ? null : (ms(to) - ms(from)) / 1_000;

/** What became of each attempt, and how long it took. */
export const Attempts = ({ task }: { task: TaskDetail }) => (
  <ol class="attempts">
    {task.attempts.map((each) => (
      <li key={each.ended_at + String(each.attempt)}>
        <span
          class={`badge ${each.outcome === 'completed' ? 'completed' : each.outcome === 'failed' ? 'failed' : 'paused'}`}
        >
          {each.outcome}
        </span>
        <span>
          attempt {each.attempt}, ran {formatDuration(seconds(each.started_at, each.ended_at))},{' '}
          <Age at={each.ended_at} />
        </span>
        {each.error && each.outcome !== 'failed' && (
          <p class="message">
            <code>{each.error.code}</code> {each.error.message}
          </p>
        )}
        {each.stack && (
          <details>
            <summary>Where it was thrown</summary>
            <pre>{each.stack}</pre>
          </details>
        )}
      </li>
    ))}
  </ol>
);

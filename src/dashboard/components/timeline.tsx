import type { TaskDetail } from '../../domain/view.ts';
import { formatDuration } from '../format.ts';
import { useNow } from '../hooks.ts';

interface Span {
  kind: 'waiting' | 'running' | 'delay' | 'scheduled';
  from: number;
  to: number;
  label: string;
}

const ms = (iso: string): number => Date.parse(iso);

/** The phases of a task since it was submitted, in the order of time. */
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
  } else if (task.status === 'NEW' || task.status === 'PENDING' || task.status === 'PAUSED') {
    const due = task.scheduled_at === null ? 0 : ms(task.scheduled_at);
    if (due > now) add('scheduled', due, task.attempt > 0 ? 'retry delay' : 'scheduled');
    else add(task.attempt > 0 ? 'delay' : 'waiting', now, 'waiting');
  }
  return spans;
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
  return (
    <figure class="timeline">
      <div class="bar" role="img" aria-label={spans.map(part).join(', ')}>
        {spans.map((span) => (
          <span
            key={span.from}
            class={span.kind}
            title={part(span)}
            style={{
              left: `${((span.from - first.from) / whole) * 100}%`,
              width: `${((span.to - span.from) / whole) * 100}%`,
            }}
          />
        ))}
      </div>
      <figcaption>
        <span class="key waiting">waiting</span>
        <span class="key running">running</span>
        <span class="key delay">retry delay</span>
        <span class="grow" />
        <span>{formatDuration(whole / 1_000)} in all</span>
      </figcaption>
    </figure>
  );
};

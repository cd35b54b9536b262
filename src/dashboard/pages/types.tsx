import { get, may } from '../api.ts';
import { formatDuration, formatNumber } from '../format.ts';
import {
  chooseWindow,
  formatRate,
  readWindow,
  toFailureRate,
  toSteps,
  useFigures,
  WINDOWS,
  type Stats,
} from '../figures.ts';
import { toHref } from '../router.ts';
import { Age, ErrorNote, PageHead, Segmented, Skeleton } from '../components/ui.tsx';
import { Sparkline } from '../components/sparkline.tsx';
import { KIND_WORDS, NotConfigured, type TaskType } from '../components/type-facts.tsx';
import { useQuery } from '../hooks.ts';

const TypeCard = ({ type, stats }: { type: TaskType; stats: Stats | null }) => {
  const group = stats?.groups.find(({ key }) => key === type.type);
  return (
    <article class="card">
      <header>
        <h2>
          <a href={toHref(`/types/${type.type}`)}>{type.type}</a>
        </h2>
        <span class="badge open">
          {type.kind === 'built_in' ? type.lane : KIND_WORDS[type.kind]}
        </span>
        {type.paused_until !== null && <span class="badge paused">paused</span>}
      </header>
      <p class="muted">{type.description}</p>
      <NotConfigured type={type} />
      {stats && group ? (
        <div class="row">
          <Sparkline
            label={`${type.type}: ended over time`}
            values={toSteps(stats, group, (point) => point.completed + point.failed).map(
              (n) => n ?? 0,
            )}
          />
          <span>
            <strong>{formatNumber(group.submitted)}</strong> runs,{' '}
            <span class={group.failed > 0 ? 'wrong' : ''}>{formatRate(toFailureRate(group))}</span>{' '}
            failed, p95 {formatDuration(group.run_seconds.p95)}
          </span>
          {group.slower_since !== null && (
            <span class="badge pending">
              slower since <Age at={group.slower_since} />
            </span>
          )}
        </div>
      ) : (
        <p class="muted">No runs in this time.</p>
      )}
      <div class="row end">
        <a class="button" href={toHref('/tasks', { type: type.type })}>
          Its tasks
        </a>
        <a class="button primary" href={toHref('/new', { type: type.type })}>
          Run one
        </a>
      </div>
    </article>
  );
};

/** What can be submitted, each with how it went. */
export const TypesPage = () => {
  const window = readWindow('7d');
  const { data, error, readAt, reload } = useQuery('types', () =>
    get<{ task_types: TaskType[] }>('/task-types'),
  );
  const { data: stats } = useFigures(window, 'type');
  return (
    <>
      <PageHead title="Types">
        <Segmented label="Window" values={WINDOWS} value={window} onChange={chooseWindow} />
        {(may('types:write') || may('admin')) && (
          <a class="button primary" href={toHref('/register')}>
            Register a type
          </a>
        )}
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      {!data && !error && <Skeleton rows={8} />}
      <div class="grid">
        {data?.task_types.map((type) => (
          <TypeCard key={type.type} type={type} stats={stats} />
        ))}
      </div>
    </>
  );
};

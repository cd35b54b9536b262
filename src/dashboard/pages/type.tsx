import { useMemo } from 'preact/hooks';
import { get } from '../api.ts';
import { chooseWindow, readWindow, toThroughput, useFigures, WINDOWS } from '../figures.ts';
import { toHref } from '../router.ts';
import { Age, Card, Empty, ErrorNote, PageHead, Segmented, Skeleton } from '../components/ui.tsx';
import { Chart } from '../components/chart.tsx';
import { FigureTable } from '../components/figure-table.tsx';
import { LatencyChart } from '../components/latency-chart.tsx';
import { Tree } from '../components/tree.tsx';
import { TypeActions, TypePaused } from '../components/type-actions.tsx';
import { NotConfigured, TypeFacts, type TaskType } from '../components/type-facts.tsx';
import { useQuery } from '../hooks.ts';

type TypeDetail = TaskType & { workers: { name: string; seen_at: string }[] };

/** Who asked for tasks of a type within a day. */
const Workers = ({ workers }: Pick<TypeDetail, 'workers'>) => (
  <Card title="Workers">
    {workers.length === 0 ? (
      <Empty>None was seen within a day: its tasks wait until one is started.</Empty>
    ) : (
      <ul class="plainlist">
        {workers.slice(0, 20).map(({ name, seen_at }) => (
          <li key={name}>
            <code>{name}</code>, seen <Age at={seen_at} />
          </li>
        ))}
      </ul>
    )}
  </Card>
);

/** One type: how long it takes, since when it is slower, what it takes. */
export const TypePage = ({ id }: { id: string }) => {
  const window = readWindow('7d');
  const {
    data: type,
    error,
    reload: reloadType,
  } = useQuery(`type ${id}`, () => get<TypeDetail>(`/task-types/${id}`));
  const { data: stats, error: failed, readAt, reload } = useFigures(window, 'type', { type: id });
  const { data: byQueue } = useFigures(window, 'queue', { type: id });
  const [group] = stats?.groups ?? [];
  const chart = useMemo(() => (stats ? toThroughput(stats) : null), [stats]);
  return (
    <>
      <PageHead title={id}>
        <Segmented label="Window" values={WINDOWS} value={window} onChange={chooseWindow} />
        <a class="button" href={toHref('/tasks', { type: id })}>
          Its tasks
        </a>
        <a class="button" href={toHref('/tasks', { type: id, status: 'FAILED' })}>
          Failed ones
        </a>
        <a class="button primary" href={toHref('/new', { type: id })}>
          Run one
        </a>
      </PageHead>
      {error && <ErrorNote error={error} />}
      {failed && <ErrorNote error={failed} readAt={readAt} retry={reload} />}
      {type && <p class="muted">{type.description}</p>}
      {type && <NotConfigured type={type} />}
      {type && <TypePaused type={type} />}
      {type && <TypeActions type={type} reload={reloadType} />}
      {type?.kind === 'worker' && <Workers workers={type.workers} />}
      {group?.slower_since && (
        <p class="note warn">
          <span>
            Slower since <Age at={group.slower_since} />: half of its attempts take at least half as
            long again as before.
          </span>
        </p>
      )}
      <div class="columns even">
        <Card title={`How long it ran, last ${WINDOWS[window]}`}>
          {!stats && <Skeleton />}
          {stats && !group && <Empty>It did not run in this time.</Empty>}
          {stats && group && (
            <LatencyChart key={window} stats={stats} group={group} what="run_seconds" />
          )}
        </Card>
        <Card title="Throughput">
          {chart ? (
            <Chart key={window} {...chart} label="Tasks of this type over time" />
          ) : (
            <Skeleton />
          )}
        </Card>
      </div>
      <Card title="By queue">
        {byQueue ? <FigureTable stats={byQueue} noun="queue" /> : <Skeleton />}
      </Card>
      {type && (
        <div class="columns even">
          <Card title="Declared">
            <TypeFacts type={type} />
          </Card>
          <Card title="Parameters, as JSON Schema">
            <Tree value={type.params} />
          </Card>
        </div>
      )}
    </>
  );
};

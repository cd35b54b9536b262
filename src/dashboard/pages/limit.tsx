import { useEffect } from 'preact/hooks';
import { get } from '../api.ts';
import { formatNumber } from '../format.ts';
import { useQuery, useThrottledReload } from '../hooks.ts';
import { isPausedForEver, toLimitPath, toRateWords, type LimitAnswer } from '../limits.ts';
import { LimitActions } from '../components/limit-actions.tsx';
import { LimitSliders } from '../components/limit-sliders.tsx';
import { Age, Card, Empty, ErrorNote, PageHead, ProgressBar, Skeleton } from '../components/ui.tsx';

/** Tokens and pace move also while nothing else tells of it. */
const RELOAD_MS = 3_000;

const PausedNote = ({ limit }: { limit: LimitAnswer }) => (
  <p class="note warn">
    <span>
      Paused: nothing begins{' '}
      {isPausedForEver(limit) ? (
        'until it is resumed'
      ) : (
        <>
          before <Age at={limit.paused_until} />
        </>
      )}
      . What runs goes on.
    </span>
  </p>
);

const Running = ({ running, max_running: max }: LimitAnswer) =>
  max === null ? (
    <>{formatNumber(running)}</>
  ) : (
    <ProgressBar
      fraction={Math.min(1, running / max)}
      label={`${formatNumber(running)} of ${formatNumber(max)}`}
    />
  );

const Facts = ({ limit }: { limit: LimitAnswer }) => (
  <dl class="facts">
    <dt>Running</dt>
    <dd>
      <Running {...limit} />
    </dd>
    <dt>Waiting</dt>
    <dd>{limit.waiting >= 10_000 ? '10 000 or more' : formatNumber(limit.waiting)}</dd>
    {limit.rate && (
      <>
        <dt>Rate</dt>
        <dd>
          {toRateWords(limit.rate)}; {formatNumber(limit.tokens ?? 0)} may begin now
        </dd>
      </>
    )}
    <dt>Pace</dt>
    <dd>{limit.pace === null ? 'Not known yet' : `${limit.pace.toFixed(1)} end in a second`}</dd>
    <dt>Changed</dt>
    <dd>
      <Age at={limit.updated_at} />
    </dd>
  </dl>
);

const Waiting = ({ limit }: { limit: LimitAnswer }) =>
  limit.top_waiting.length === 0 ? (
    <Empty>No sub-key waits.</Empty>
  ) : (
    <div class="scroll" tabIndex={0} role="region" aria-label="Sub-keys that wait">
      <table class="stacked">
        <thead>
          <tr>
            <th scope="col">Sub-key</th>
            <th scope="col">Waiting</th>
            <th scope="col">Running</th>
          </tr>
        </thead>
        <tbody>
          {limit.top_waiting.map(({ sub_key, waiting, running }) => (
            <tr key={sub_key}>
              <td data-label="Sub-key" class="broken">
                {sub_key}
              </td>
              <td data-label="Waiting">{formatNumber(waiting)}</td>
              <td data-label="Running">{formatNumber(running)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );

/** One limit: how it stands, whose tasks wait, and its numbers to be moved. */
export const LimitPage = ({ id: key }: { id: string }) => {
  const {
    data: limit,
    error,
    readAt,
    reload,
  } = useQuery(`limit ${key}`, () => get<LimitAnswer>(toLimitPath(key)));
  useThrottledReload(reload, 1_000);
  useEffect(() => {
    const timer = setInterval(reload, RELOAD_MS);
    return () => clearInterval(timer);
  }, [key]);
  if (error && !limit) return <ErrorNote error={error} />;
  if (!limit) return <Skeleton rows={8} />;
  return (
    <>
      <PageHead title={limit.key}>
        <LimitActions limit={limit} reload={reload} />
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      {limit.paused_until !== null && <PausedNote limit={limit} />}
      <Card title="As it stands">
        <Facts limit={limit} />
      </Card>
      <Card title="Numbers">
        <p class="muted">Each holds as soon as you let it go, for tasks that wait too.</p>
        <LimitSliders limit={limit} onChanged={reload} />
      </Card>
      <Card title="Who waits most">
        <Waiting limit={limit} />
      </Card>
    </>
  );
};

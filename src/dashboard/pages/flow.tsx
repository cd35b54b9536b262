import { useEffect, useState } from 'preact/hooks';
import { isFinal } from '../../domain/words.ts';
import { get } from '../api.ts';
import { applyFrame, type FlowAnswer } from '../flows.ts';
import { formatDuration, formatNumber } from '../format.ts';
import { useNow, useQuery, useTaskUpdates } from '../hooks.ts';
import { watchFlow } from '../live.ts';
import { FlowActions } from '../components/flow-actions.tsx';
import { FlowGraph } from '../components/flow-graph.tsx';
import { FlowList } from '../components/flow-list.tsx';
import { FlowStops } from '../components/flow-stops.tsx';
import { Deliveries } from '../components/deliveries.tsx';
import {
  Age,
  Card,
  CopyButton,
  ErrorNote,
  PageHead,
  ProgressBar,
  ShortId,
  Skeleton,
  StatusBadge,
} from '../components/ui.tsx';

/** A larger one is a list at first, and so is any on a narrow screen. */
const MAX_DRAWN = 300;
const NARROW = '(max-width: 720px)';

const Progress = ({ flow }: { flow: FlowAnswer }) => {
  const now = useNow();
  const { ended, total } = flow.tasks;
  const since = flow.started_at ?? flow.submitted_at;
  const end = flow.completed_at === null ? now : Date.parse(flow.completed_at);
  const took = formatDuration(Math.max(0, end - Date.parse(since)) / 1_000);
  const label = `${formatNumber(ended)} of ${formatNumber(total)} tasks have ended, ${took}`;
  return <ProgressBar fraction={total === 0 ? 0 : ended / total} label={label} />;
};

/** One flow, live: what stops it, its graph, its tasks. */
export const FlowPage = ({ id }: { id: string }) => {
  const { data, error, readAt, reload } = useQuery(`flow ${id}`, () =>
    get<FlowAnswer>(`/flows/${id}`),
  );
  const [live, setLive] = useState<FlowAnswer | null>(null);
  const [isDeleted, setDeleted] = useState(false);
  const [isGraph, setGraph] = useState<boolean | null>(null);
  useEffect(
    () =>
      setLive((before) =>
        data && (before === null || data.version >= before.version) ? data : before,
      ),
    [data],
  );
  const isOver = live !== null && isFinal(live.status);
  useEffect(() => {
    if (live === null || isOver) return;
    return watchFlow(
      id,
      (frame) => {
        setLive((before) => before && applyFrame(before, frame));
        // Deliveries are no part of a frame.
        if ('flow' in frame && isFinal(frame.flow.status)) reload();
      },
      () => setDeleted(true),
    );
  }, [id, live === null, isOver]);
  // One that has ended has no stream: the list's tells when a task of it is retried.
  useTaskUpdates((news) => {
    if (isOver && news.some((task) => task.flow_id === id && !isFinal(task.status))) reload();
  });
  if (error && !live) return <ErrorNote error={error} retry={reload} />;
  if (isDeleted)
    return (
      <p class="empty">
        This flow was deleted. <a href="#/flows">All flows</a>
      </p>
    );
  if (!live) return <Skeleton rows={8} />;
  const isDrawn = isGraph ?? (live.nodes.length <= MAX_DRAWN && !matchMedia(NARROW).matches);
  const toggle = (
    <div class="segmented" role="group" aria-label="How it is shown">
      <button class="small" aria-pressed={isDrawn} onClick={() => setGraph(true)}>
        Graph
      </button>
      <button class="small" aria-pressed={!isDrawn} onClick={() => setGraph(false)}>
        List
      </button>
    </div>
  );
  return (
    <>
      <PageHead title={live.name ?? 'Flow'}>
        <FlowActions flow={live} reload={reload} />
      </PageHead>
      <div class="row statusline">
        <StatusBadge status={live.status} />
        <ShortId id={id} />
        <CopyButton text={id} label="Copy id" />
        <CopyButton text={location.href} label="Copy link" />
        <span class="muted">
          submitted <Age at={live.submitted_at} />
          {live.on_failure === 'continue' && '; goes on after failures'}
        </span>
      </div>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      <div class="row">
        <Progress flow={live} />
      </div>
      <FlowStops flow={live} reload={reload} />
      <Card title={`${formatNumber(live.nodes.length)} tasks`} more={toggle}>
        {isDrawn ? <FlowGraph flow={live} /> : <FlowList flow={live} />}
      </Card>
      <Deliveries
        deliveries={live.deliveries}
        callbackUrl={live.callback_url}
        path={`/flows/${id}`}
        reload={reload}
      />
    </>
  );
};

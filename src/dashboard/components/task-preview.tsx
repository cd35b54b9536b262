import type { TaskDetail } from '../../domain/view.ts';
import { get } from '../api.ts';
import { useQuery } from '../hooks.ts';
import { toHref } from '../router.ts';
import { Tree } from './tree.tsx';
import { Age, ErrorNote, ShortId, Skeleton, StatusBadge } from './ui.tsx';

/** A task beside the list. */
export const TaskPreview = ({
  id,
  version,
  close,
}: {
  id: string;
  version: number;
  close(): void;
}) => {
  const { data, error } = useQuery(`preview ${id} ${version}`, () =>
    get<TaskDetail>(`/tasks/${id}`),
  );
  return (
    <aside class="preview card" aria-label="Preview">
      <header>
        <h2>{data?.title ?? data?.type ?? 'Task'}</h2>
        <button class="plain" aria-label="Close the preview" onClick={close}>
          ×
        </button>
      </header>
      {error && <ErrorNote error={error} />}
      {!data && !error && <Skeleton rows={6} />}
      {data && (
        <>
          <div class="row">
            <StatusBadge status={data.status} isScheduled={data.scheduled_at !== null} />
            <ShortId id={id} />
            <span class="muted">
              {data.type}, <Age at={data.submitted_at} />
            </span>
          </div>
          {data.waiting_for && <p class="note warn">{data.waiting_for.message}</p>}
          {data.error && (
            <p class="note error">
              <code>{data.error.code}</code> {data.error.message}
            </p>
          )}
          <h3>Parameters</h3>
          <Tree value={data.params} filter="params" />
          {data.status === 'COMPLETED' && (
            <>
              <h3>Result</h3>
              <Tree value={data.result} filter="result" />
            </>
          )}
          <a class="button primary" href={toHref(`/tasks/${id}`)}>
            Open
          </a>
        </>
      )}
    </aside>
  );
};

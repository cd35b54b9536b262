import type * as z from 'zod';
import type { taskTypeSchema } from '../../http/routes/task-types.ts';
import { get } from '../api.ts';
import { formatDuration } from '../format.ts';
import { toHref } from '../router.ts';
import { ErrorNote, PageHead } from '../components/ui.tsx';
import { Tree } from '../components/tree.tsx';
import { useQuery } from '../hooks.ts';

type TaskType = z.output<typeof taskTypeSchema>;

const TypeCard = ({ type }: { type: TaskType }) => (
  <article class="card">
    <header>
      <h2>{type.type}</h2>
      <span class="badge open">{type.lane}</span>
    </header>
    <p>{type.description}</p>
    {!type.configured && (
      <p class="note warn">Not configured here: it needs {type.needs.join(', ')}.</p>
    )}
    <dl class="facts">
      <dt>Also called</dt>
      <dd>{type.aliases.join(', ') || '–'}</dd>
      <dt>Attempts</dt>
      <dd>
        {type.retry.max_attempts}, {formatDuration(type.retry.base_seconds)} to{' '}
        {formatDuration(type.retry.max_seconds)} apart
      </dd>
      <dt>Timeout</dt>
      <dd>{formatDuration(type.timeout_seconds)}</dd>
      <dt>Output cached</dt>
      <dd>{type.cache_ttl_seconds === 0 ? 'no' : formatDuration(type.cache_ttl_seconds)}</dd>
      <dt>Output reused</dt>
      <dd>{type.reuse_seconds === 0 ? 'no' : formatDuration(type.reuse_seconds)}</dd>
    </dl>
    <details>
      <summary>Parameters, as JSON Schema</summary>
      <Tree value={type.params} />
    </details>
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

export const TypesPage = () => {
  const { data, error, reload } = useQuery('types', () =>
    get<{ task_types: TaskType[] }>('/task-types'),
  );
  return (
    <>
      <PageHead title="Types" />
      {error && <ErrorNote error={error} retry={reload} />}
      <div class="grid">
        {data?.task_types.map((type) => (
          <TypeCard key={type.type} type={type} />
        ))}
      </div>
    </>
  );
};

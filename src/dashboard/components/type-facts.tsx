import type * as z from 'zod';
import type { taskTypeSchema } from '../../http/routes/task-types/type-view.ts';
import { formatDuration } from '../format.ts';
import { toLimitPath } from '../limits.ts';
import { toHref } from '../router.ts';

export type TaskType = z.output<typeof taskTypeSchema>;

/** Who runs tasks of a type. */
export const KIND_WORDS: Record<TaskType['kind'], string> = {
  built_in: 'built in',
  endpoint: 'endpoint',
  worker: 'worker',
  manual: 'person',
};

/** What is declared of a type. */
export const TypeFacts = ({ type }: { type: TaskType }) => (
  <dl class="facts">
    <dt>Run by</dt>
    <dd>{KIND_WORDS[type.kind]}</dd>
    {type.run && 'endpoint' in type.run && (
      <>
        <dt>URL</dt>
        <dd>{type.run.endpoint.url}</dd>
      </>
    )}
    <dt>Lane</dt>
    <dd>{type.lane}</dd>
    <dt>Also called</dt>
    <dd>{type.aliases.join(', ') || 'nothing else'}</dd>
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
    {type.limit && (
      <>
        <dt>Limit</dt>
        <dd>
          <a href={toHref(toLimitPath(type.limit.key ?? type.type))}>
            {type.limit.key ?? type.type}
          </a>
          {type.limit.sub_key !== undefined && `, by ${type.limit.sub_key}`}
        </dd>
      </>
    )}
  </dl>
);

export const NotConfigured = ({ type }: { type: TaskType }) =>
  type.configured ? null : (
    <p class="note warn">Not configured here: it needs {type.needs.join(', ')}.</p>
  );

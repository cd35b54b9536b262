import { useEffect, useState } from 'preact/hooks';
import { api, get } from '../api.ts';
import { formatNumber } from '../format.ts';
import { useAction, useQuery, useThrottledReload } from '../hooks.ts';
import {
  isPausedForEver,
  mayWriteLimits,
  toLimitPath,
  toRateWords,
  type LimitRow,
} from '../limits.ts';
import { go, toHref } from '../router.ts';
import { LimitActions } from '../components/limit-actions.tsx';
import { Field } from '../components/schedule-fields.tsx';
import { Age, Card, Empty, ErrorNote, PageHead, Skeleton } from '../components/ui.tsx';

const RELOAD_MS = 5_000;
/** More are found by the API: a page of thousands is of no use. */
const MOST = 500;

interface Page {
  limits: LimitRow[];
  pagination: { next_cursor: string | null };
}

const readAll = async (): Promise<{ limits: LimitRow[]; hasMore: boolean }> => {
  const limits: LimitRow[] = [];
  let cursor: string | null = '';
  while (cursor !== null && limits.length < MOST) {
    const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page = await get<Page>(`/limits?page_size=100${more}`);
    limits.push(...page.limits);
    cursor = page.pagination.next_cursor;
  }
  return { limits, hasMore: cursor !== null };
};

/** `10 at once, 50 a second; each 2 at once`. */
const toWords = ({ max_running, rate, sub }: LimitRow): string => {
  const words = (max: number | null, each: LimitRow['rate']): string =>
    [max === null ? [] : [`${max} at once`], each === null ? [] : [toRateWords(each)]]
      .flat()
      .join(', ');
  const own = words(max_running, rate);
  const ofSub = sub === null ? '' : `each ${words(sub.max_running, sub.rate)}`;
  return [own, ofSub].filter((part) => part !== '').join('; ') || 'not limited';
};

const Row = ({ limit, reload }: { limit: LimitRow; reload(): void }) => (
  <tr>
    <td data-label="Key" class="broken">
      <a href={toHref(toLimitPath(limit.key))}>{limit.key}</a>{' '}
      {limit.paused_until !== null && (
        <span class="badge paused">
          paused{!isPausedForEver(limit) && ', goes on '}
          {!isPausedForEver(limit) && <Age at={limit.paused_until} />}
        </span>
      )}
    </td>
    <td data-label="Allows" class="broken">
      {toWords(limit)}
    </td>
    <td data-label="Running">
      {formatNumber(limit.running)}
      {limit.max_running !== null && ` of ${formatNumber(limit.max_running)}`}
    </td>
    <td data-label="Waiting">
      {limit.waiting >= 1_000 ? '1 000 or more' : formatNumber(limit.waiting)}
    </td>
    <td>
      <LimitActions limit={limit} reload={reload} isShort />
    </td>
  </tr>
);

const Create = () => {
  const [key, setKey] = useState('');
  const [max, setMax] = useState('10');
  const [isBusy, act] = useAction();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    act(async () => {
      await api('PUT', toLimitPath(key), { max_running: Number(max) });
      go(toLimitPath(key));
      return `${key} holds`;
    });
  };
  return (
    <Card title="New limit">
      <form class="fields" onSubmit={submit}>
        <Field id="key" label="Key" hint="The name of a type limits all tasks of that type">
          <input
            id="key"
            required
            maxLength={100}
            pattern="[\w.:@\-]+"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </Field>
        <Field id="max-running" label="Running at once">
          <input
            id="max-running"
            type="number"
            required
            min={1}
            max={1_000}
            value={max}
            onInput={(event) => setMax(event.currentTarget.value)}
          />
        </Field>
        <div class="row end">
          <button class="primary" disabled={isBusy}>
            Create
          </button>
        </div>
      </form>
    </Card>
  );
};

/** How many tasks run at once, and how fast they begin. */
export const LimitsPage = () => {
  const { data, error, readAt, reload } = useQuery('limits', readAll);
  useThrottledReload(reload, 2_000);
  useEffect(() => {
    const timer = setInterval(reload, RELOAD_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <PageHead title="Limits" />
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      {!data && !error && <Skeleton rows={6} />}
      {data?.limits.length === 0 && (
        <Empty>
          Nothing is limited. A limit says how many tasks of a provider, a tenant or a type run at
          once, and how fast they begin.
        </Empty>
      )}
      {data && data.limits.length > 0 && (
        <Card title={`${data.limits.length}${data.hasMore ? ' and more' : ''}`}>
          <div class="scroll" tabIndex={0} role="region" aria-label="Limits">
            <table class="stacked unbroken">
              <thead>
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col">Allows</th>
                  <th scope="col">Running</th>
                  <th scope="col">Waiting</th>
                  <th scope="col">
                    <span class="hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.limits.map((limit) => (
                  <Row key={limit.key} limit={limit} reload={reload} />
                ))}
              </tbody>
            </table>
          </div>
        </Card>
      )}
      {mayWriteLimits() && <Create />}
    </>
  );
};

import type * as z from 'zod';
import type { ownerView, shardView } from '../../http/routes/shards.ts';
import { ApiError, get } from '../api.ts';
import { formatBytes, formatDuration, formatNumber } from '../format.ts';
import { route, toHref } from '../router.ts';
import { Age, Card, Empty, ErrorNote, PageHead, Skeleton } from '../components/ui.tsx';
import { useQuery } from '../hooks.ts';

type Shard = z.output<typeof shardView>;
type Owner = z.output<typeof ownerView>;

/** From this part on it warns, as the health does. */
const WARN_PART = 0.7;

const ShardRow = ({ shard }: { shard: Shard }) => (
  <tr>
    <th scope="row">
      <a href={toHref('/databases', { shard: String(shard.shard) })}>{shard.shard}</a>
    </th>
    <td class="num" data-label="Size">
      {formatBytes(shard.bytes)}
    </td>
    <td class="num" data-label="Used">
      <meter
        min={0}
        max={1}
        high={WARN_PART}
        value={shard.used}
        aria-label={`Used part of database ${shard.shard}`}
      />{' '}
      {(shard.used * 100).toFixed(1)} %
    </td>
    <td class="num" data-label="Last minute">
      {formatNumber(shard.submitted_last_minute)}
    </td>
    <td class="num" data-label="Waiting">
      {formatNumber(shard.waiting)}
    </td>
    <td class="num" data-label="Oldest">
      {formatDuration(shard.oldest_waiting_seconds)}
    </td>
    <td class="num" data-label="Owners">
      {formatNumber(shard.owners)}
    </td>
  </tr>
);

const Owners = ({ shard }: { shard: string }) => {
  const cursor = route.value.query.get('cursor');
  const { data, error, reload } = useQuery(`owners of ${shard} ${cursor ?? ''}`, () =>
    get<{ pagination: { next_cursor: string | null }; owners: Owner[] }>(
      `/shards/owners?shard=${shard}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    ),
  );
  const next = data?.pagination.next_cursor ?? null;
  return (
    <Card title={`Owners pinned to ${shard}`}>
      {error && <ErrorNote error={error} retry={reload} />}
      {data?.owners.length === 0 && (
        <Empty>
          {shard === '0' ? 'None: who is pinned nowhere lives here.' : 'No owner lives here yet.'}
        </Empty>
      )}
      <ul class="plainlist">
        {data?.owners.map((owner) => (
          <li key={owner.owner}>
            <code>{owner.owner}</code>
            {owner.moving_to !== null && (
              <span class="badge paused">
                moving to {owner.moving_to} since <Age at={owner.moving_since} />
              </span>
            )}
          </li>
        ))}
      </ul>
      {next !== null && (
        <a class="button" href={toHref('/databases', { shard, cursor: next })}>
          More
        </a>
      )}
      <p class="muted">
        To move one: <code>npm run shards -- move &lt;owner&gt; &lt;database&gt;</code>
      </p>
    </Card>
  );
};

/** The databases and who lives where, for operators. */
export const ShardsPage = () => {
  const { data, error, reload } = useQuery('shards', () => get<{ shards: Shard[] }>('/shards'));
  if (error instanceof ApiError && error.status === 403)
    return <Empty>The databases are for keys with the scope "operator".</Empty>;
  return (
    <>
      <PageHead title="Databases">
        <button onClick={reload}>Reload</button>
      </PageHead>
      {error && <ErrorNote error={error} retry={reload} />}
      <Card title="How each stands">
        {!data && !error && <Skeleton rows={2} />}
        {data && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Databases">
            <table class="stacked">
              <thead>
                <tr>
                  <th scope="col">Database</th>
                  <th scope="col" class="num">
                    Size
                  </th>
                  <th scope="col" class="num">
                    Used
                  </th>
                  <th scope="col" class="num">
                    Last minute
                  </th>
                  <th scope="col" class="num">
                    Waiting
                  </th>
                  <th scope="col" class="num">
                    Oldest
                  </th>
                  <th scope="col" class="num">
                    Owners
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.shards.map((shard) => (
                  <ShardRow key={shard.shard} shard={shard} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {data?.shards.length === 1 && (
          <p class="muted">
            One database has 10 GB. <code>npm run shards -- add</code> adds another.
          </p>
        )}
      </Card>
      <Owners shard={route.value.query.get('shard') ?? '0'} />
    </>
  );
};

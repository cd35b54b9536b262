import type { TaskDetail } from '../../domain/view.ts';
import { post } from '../api.ts';
import { useAction } from '../hooks.ts';
import { Age, Card } from './ui.tsx';

const COLORS = { DELIVERED: 'completed', OPEN: 'pending', GIVEN_UP: 'failed' } as const;

/** What a receiver answers is known by then, mostly. */
const LOOK_AGAIN_MS = 1_500;

type Told = TaskDetail['deliveries'];

/** Who was told of an end, or is still to be; nothing where that is nobody. @param path of what ended */
export const Deliveries = ({
  deliveries,
  callbackUrl,
  path,
  reload,
}: {
  deliveries: Told;
  callbackUrl: string | null;
  path: string;
  reload(): void;
}) => {
  const [isBusy, act] = useAction();
  const retry = (): void =>
    act(async () => {
      await post(`${path}/deliveries/retry`);
      setTimeout(reload, LOOK_AGAIN_MS);
      return 'Sent again';
    });
  if (deliveries.length === 0) return null;
  const isUndelivered = deliveries.some(({ state }) => state !== 'DELIVERED');
  return (
    <Card title="Deliveries">
      <List deliveries={deliveries} callbackUrl={callbackUrl} />
      {isUndelivered && (
        <div class="row end">
          <button class="small" disabled={isBusy} onClick={retry}>
            Send again
          </button>
        </div>
      )}
    </Card>
  );
};

const List = ({ deliveries, callbackUrl }: { deliveries: Told; callbackUrl: string | null }) => (
  <ul class="attempts">
    {deliveries.map((each) => (
      <li key={each.id}>
        <span class={`badge ${COLORS[each.state]}`}>
          {each.state.toLowerCase().replace('_', ' ')}
        </span>
        <span>
          {each.sink.replace('_', ' ')} of {each.status.toLowerCase()}, {each.tries}{' '}
          {each.tries === 1 ? 'try' : 'tries'}
          {each.next_try_at !== null && (
            <>
              , next <Age at={each.next_try_at} />
            </>
          )}
        </span>
        {each.sink === 'callback' && <code>{callbackUrl}</code>}
        {each.last_error && <p class="message">{each.last_error}</p>}
      </li>
    ))}
  </ul>
);

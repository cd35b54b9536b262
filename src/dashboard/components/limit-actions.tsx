import { useState } from 'preact/hooks';
import { api, post } from '../api.ts';
import { useAction } from '../hooks.ts';
import { mayWriteLimits, toLimitPath, type LimitRow } from '../limits.ts';
import { go } from '../router.ts';
import { confirm } from './confirm.tsx';

const PAUSES = {
  '': 'until I resume it',
  60: 'for a minute',
  600: 'for 10 minutes',
  3600: 'for an hour',
};

/** What can be done with a limit. */
export const LimitActions = ({
  limit,
  reload,
  isShort = false,
}: {
  limit: LimitRow;
  reload(): void;
  isShort?: boolean;
}) => {
  const [isBusy, act] = useAction();
  const [seconds, setSeconds] = useState('');
  if (!mayWriteLimits()) return null;
  const { key } = limit;
  const path = toLimitPath(key);
  const size = isShort ? 'small' : '';
  const pause = (): void =>
    act(async () => {
      await post(`${path}/pause`, seconds === '' ? {} : { seconds: Number(seconds) });
      reload();
      return `${key} is paused`;
    });
  const resume = (): void =>
    act(async () => {
      await post(`${path}/resume`);
      reload();
      return `${key} goes on`;
    });
  const remove = (): void =>
    act(async () => {
      const question = `Delete the limit ${key}? The ${limit.waiting} tasks that wait for it are let go at once.`;
      if (!(await confirm(question, 'Delete'))) return undefined;
      await api('DELETE', path);
      go('/limits');
      return `${key} is deleted`;
    });
  return (
    <div class="row">
      {limit.paused_until === null ? (
        <>
          {!isShort && (
            <select
              aria-label="How long to pause"
              value={seconds}
              onChange={(event) => setSeconds(event.currentTarget.value)}
            >
              {Object.entries(PAUSES)
                .toSorted(([a], [b]) => Number(a) - Number(b))
                .map(([value, words]) => (
                  <option key={value} value={value}>
                    {words}
                  </option>
                ))}
            </select>
          )}
          <button class={size} disabled={isBusy} onClick={pause}>
            Pause
          </button>
        </>
      ) : (
        <button class={isShort ? 'small' : 'primary'} disabled={isBusy} onClick={resume}>
          Resume
        </button>
      )}
      {!isShort && (
        <button class="danger" disabled={isBusy} onClick={remove}>
          Delete
        </button>
      )}
    </div>
  );
};

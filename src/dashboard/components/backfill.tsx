import { useState } from 'preact/hooks';
import type { BackfillAnswer, ScheduleAnswer } from '../schedules.ts';
import { post } from '../api.ts';
import { formatClock } from '../format.ts';
import { useAction } from '../hooks.ts';
import { Age, TaskLink } from './ui.tsx';

const MAX_SHOWN = 20;

/** As a field for a date and a time has it, in the reader's zone. */
const toField = (at: number): string => {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
};

/** Tasks for moments that are past: shown first, made then. */
export const BackfillForm = ({
  schedule,
  reload,
}: {
  schedule: ScheduleAnswer;
  reload(): void;
}) => {
  const [from, setFrom] = useState(() => toField(Date.now() - 86_400_000));
  const [to, setTo] = useState(() => toField(Date.now()));
  const [found, setFound] = useState<BackfillAnswer | null>(null);
  const [isBusy, act] = useAction();
  const ask = (isDry: boolean): void =>
    act(async () => {
      const body = {
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        dry_run: isDry,
      };
      const answer = await post<BackfillAnswer>(
        `/schedules/${schedule.schedule_id}/backfill`,
        body,
      );
      setFound(answer);
      if (isDry) return undefined;
      reload();
      return `${answer.submitted} submitted`;
    });
  const change = (set: (value: string) => void) => (event: InputEvent) => {
    set((event.currentTarget as HTMLInputElement).value);
    setFound(null);
  };
  const isNew = found?.moments.some(({ task_id }) => task_id === null) ?? false;
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        ask(!isNew);
      }}
    >
      <div class="row">
        <div class="field">
          <label for="backfill-from">From</label>
          <input
            id="backfill-from"
            type="datetime-local"
            required
            value={from}
            onInput={change(setFrom)}
          />
        </div>
        <div class="field">
          <label for="backfill-to">To</label>
          <input
            id="backfill-to"
            type="datetime-local"
            required
            value={to}
            onInput={change(setTo)}
          />
        </div>
        <button class={isNew ? 'primary' : ''} disabled={isBusy}>
          {isNew ? `Submit ${found?.submitted ?? 0}` : 'Show the moments'}
        </button>
      </div>
      {found && (
        <div role="status">
          <p>
            {found.moments.length === 0
              ? 'It does not fire in this time.'
              : isNew
                ? `${found.submitted} would be submitted; ${found.existing} have had a task.`
                : `All ${found.moments.length} have a task.`}
          </p>
          <ul class="plainlist">
            {found.moments.slice(0, MAX_SHOWN).map(({ at, task_id }) => (
              <li key={at}>
                {formatClock(at)}{' '}
                {task_id === null ? (
                  <span class="muted">
                    <Age at={at} />
                  </span>
                ) : (
                  <TaskLink id={task_id} />
                )}
              </li>
            ))}
            {found.moments.length > MAX_SHOWN && (
              <li class="muted">and {found.moments.length - MAX_SHOWN} more</li>
            )}
          </ul>
        </div>
      )}
    </form>
  );
};

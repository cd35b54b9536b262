import { PRIORITIES } from '../../domain/words.ts';
import type { TaskOptions } from '../new-task-body.ts';
import type { FieldErrors } from './schema-form.tsx';

interface TaskOptionsProps {
  options: TaskOptions;
  errors: FieldErrors;
  set(change: Partial<TaskOptions>): void;
}

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The fields of a new task beside its parameters. */
export const TaskOptionFields = ({ options, errors, set }: TaskOptionsProps) => {
  const note = (name: string) =>
    errors[name] === undefined ? null : (
      <span class="hint wrong" role="alert">
        {errors[name]}
      </span>
    );
  return (
    <>
      <div class="pair">
        <div class="field">
          <label for="title">Title</label>
          <input
            id="title"
            maxLength={200}
            value={options.title}
            onInput={(event) => set({ title: event.currentTarget.value })}
          />
          {note('title')}
        </div>
        <div class="field">
          <label for="tags">Tags</label>
          <input
            id="tags"
            value={options.tags}
            placeholder="nightly, reports"
            onInput={(event) => set({ tags: event.currentTarget.value })}
          />
          {note('tags') ?? <span class="hint">Separated by commas</span>}
        </div>
      </div>
      <details class="more" open={Object.keys(errors).some((path) => !path.startsWith('params'))}>
        <summary>Options: when, priority, attempts, callback, limit</summary>
        <div class="fields">
          <div class="pair">
            <div class="field">
              <label for="at">Run at</label>
              <input
                id="at"
                type="datetime-local"
                value={options.at}
                onInput={(event) => set({ at: event.currentTarget.value, delay_seconds: '' })}
              />
              {note('scheduled_at') ?? <span class="hint">{ZONE}. Empty: now</span>}
            </div>
            <div class="field">
              <label for="delay">or in, seconds</label>
              <input
                id="delay"
                type="number"
                min={0}
                step="any"
                value={options.delay_seconds}
                onInput={(event) => set({ delay_seconds: event.currentTarget.value, at: '' })}
              />
              {note('delay_seconds')}
            </div>
          </div>
          <div class="pair">
            <div class="field">
              <label for="priority">Priority</label>
              <select
                id="priority"
                value={options.priority}
                onChange={(event) => set({ priority: event.currentTarget.value })}
              >
                {PRIORITIES.map((each) => (
                  <option key={each} value={each}>
                    {each.toLowerCase()}
                  </option>
                ))}
              </select>
            </div>
            <div class="field">
              <label for="attempts">Attempts</label>
              <input
                id="attempts"
                type="number"
                min={1}
                max={25}
                placeholder="as the type says"
                value={options.max_attempts}
                onInput={(event) => set({ max_attempts: event.currentTarget.value })}
              />
              {note('max_attempts')}
            </div>
          </div>
          <div class="pair">
            <div class="field">
              <label for="timeout">Timeout, seconds</label>
              <input
                id="timeout"
                type="number"
                min={1}
                max={21_600}
                placeholder="as the type says"
                value={options.timeout_seconds}
                onInput={(event) => set({ timeout_seconds: event.currentTarget.value })}
              />
              {note('timeout_seconds')}
            </div>
            <div class="field">
              <label for="callback">Callback URL</label>
              <input
                id="callback"
                type="url"
                value={options.callback_url}
                placeholder="https://"
                onInput={(event) => set({ callback_url: event.currentTarget.value })}
              />
              {note('callback_url')}
            </div>
          </div>
          <div class="pair">
            <div class="field">
              <label for="limit-key">Limit</label>
              <input
                id="limit-key"
                maxLength={100}
                placeholder="as the type says"
                value={options.limit_key}
                onInput={(event) => set({ limit_key: event.currentTarget.value })}
              />
              {note('limit.key') ?? <span class="hint">Its key, such as a provider</span>}
            </div>
            <div class="field">
              <label for="sub-key">Sub-key</label>
              <input
                id="sub-key"
                maxLength={200}
                value={options.sub_key}
                onInput={(event) => set({ sub_key: event.currentTarget.value })}
              />
              {note('limit.sub_key') ?? (
                <span class="hint">Whose share it is, such as a tenant</span>
              )}
            </div>
          </div>
          <div class="field">
            <label for="expires">Cancel unless begun in, seconds</label>
            <input
              id="expires"
              type="number"
              min={0}
              step="any"
              value={options.expires_in_seconds}
              onInput={(event) => set({ expires_in_seconds: event.currentTarget.value })}
            />
            {note('expires_in_seconds')}
          </div>
          <label class="check">
            <input
              type="checkbox"
              checked={options.unique}
              onChange={(event) => set({ unique: event.currentTarget.checked })}
            />{' '}
            Unless an unfinished task has the same parameters
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={options.reuse}
              onChange={(event) => set({ reuse: event.currentTarget.checked })}
            />{' '}
            Reuse an output of the same parameters, where the type allows it
          </label>
        </div>
      </details>
    </>
  );
};

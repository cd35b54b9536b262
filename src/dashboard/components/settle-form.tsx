import { useState } from 'preact/hooks';
import type { TaskDetail } from '../../domain/view.ts';
import { ApiError, get, may, post } from '../api.ts';
import { useAction, useQuery } from '../hooks.ts';
import { SchemaForm, type FieldErrors, type Schema } from './schema-form.tsx';
import type { TaskType } from './type-facts.tsx';
import { Card } from './ui.tsx';

/** Ends a task that waits for a person, with a form made from the schema of its results. */
export const SettleForm = ({
  task,
  reload,
  title = 'It waits for you',
}: {
  task: TaskDetail;
  reload(): void;
  title?: string;
}) => {
  const { data: type } = useQuery(`settle ${task.type}`, () =>
    get<TaskType>(`/task-types/${task.type}`),
  );
  const [result, setResult] = useState<Record<string, unknown>>({});
  const [reason, setReason] = useState('');
  const [errors, setErrors] = useState<FieldErrors>({});
  const [isBusy, act] = useAction();
  if (!may('tasks:write') && !may('admin')) return null;
  const schema = type?.result as Schema | null | undefined;
  const hasForm = schema?.properties !== undefined;
  const settle = (verb: 'complete' | 'fail', body: object): void =>
    act(async () => {
      try {
        await post(`/tasks/${task.task_id}/${verb}`, body);
      } catch (refused) {
        if (refused instanceof ApiError)
          setErrors(Object.fromEntries(refused.errors.map(({ path, message }) => [path, message])));
        throw refused;
      }
      reload();
      return verb === 'complete' ? 'Completed' : 'Failed';
    });
  return (
    <Card title={title}>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          settle('complete', hasForm ? { result } : {});
        }}
      >
        {hasForm && (
          <SchemaForm schema={schema} value={result} errors={errors} onChange={setResult} />
        )}
        {errors['result'] && <span class="wrong">{errors['result']}</span>}
        <div class="row end">
          <button class="primary" disabled={isBusy}>
            Complete
          </button>
        </div>
      </form>
      <hr />
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          settle('fail', { message: reason });
        }}
      >
        <input
          aria-label="Why it fails"
          class="grow"
          required
          maxLength={2_000}
          placeholder="Why it fails"
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <button class="danger" disabled={isBusy}>
          Fail
        </button>
      </form>
    </Card>
  );
};

import { useEffect, useState } from 'preact/hooks';
import type { TaskView } from '../../domain/view.ts';
import { ApiError, get, identity, post } from '../api.ts';
import {
  LANGUAGES,
  NO_OPTIONS,
  toBody,
  toCode,
  type Language,
  type TaskOptions,
} from '../new-task-body.ts';
import { go, replaceQuery, route } from '../router.ts';
import { SchemaForm, type FieldErrors, type Schema } from '../components/schema-form.tsx';
import { TaskOptionFields } from '../components/task-options.tsx';
import { NotConfigured, type TaskType } from '../components/type-facts.tsx';
import { Card, CopyButton, ErrorNote, PageHead, Segmented, Skeleton } from '../components/ui.tsx';
import { useAction, useQuery } from '../hooks.ts';

/** What was being written, kept while this tab lives. */
const toDraftKey = (type: string): string => `tasker-draft ${type}`;
interface Draft {
  params: Record<string, unknown>;
  options: TaskOptions;
}
const readDraft = (type: string): Draft | null => {
  try {
    const draft = JSON.parse(sessionStorage.getItem(toDraftKey(type)) ?? 'null') as Draft | null;
    // One of a release before has fewer options.
    return draft && { ...draft, options: { ...NO_OPTIONS, ...draft.options } };
  } catch {
    return null;
  }
};

const toFieldErrors = (error: unknown): FieldErrors =>
  error instanceof ApiError
    ? Object.fromEntries(error.errors.map(({ path, message }) => [path, message]))
    : {};

/** A form made from the type's own schema, or filled in from a task that ran. */
export const NewTaskPage = () => {
  const { query } = route.value;
  const from = query.get('from');
  const { data: types, error } = useQuery(
    'types',
    async () => (await get<{ task_types: TaskType[] }>('/task-types')).task_types,
  );
  const { data: source, error: lost } = useQuery(`from ${from ?? ''}`, async () =>
    from === null ? null : get<TaskView>(`/tasks/${from}`),
  );
  const [params, setParams] = useState<Record<string, unknown>>({});
  const [options, setOptions] = useState(NO_OPTIONS);
  const [errors, setErrors] = useState<FieldErrors>({});
  const [language, setLanguage] = useState<Language>('curl');
  const [revision, setRevision] = useState(0);
  const [isBusy, act] = useAction();
  const name = query.get('type') ?? source?.type ?? types?.[0]?.type ?? '';
  const type = types?.find((each) => each.type === name);

  const fill = (draft: Draft | null): void => {
    if (!type) return;
    const isSource = source?.type === type.type;
    setParams(
      draft?.params ?? ((isSource ? source.params : type.example) as Record<string, unknown>),
    );
    setOptions(
      draft?.options ??
        (isSource
          ? {
              ...NO_OPTIONS,
              limit_key: source.limit?.key ?? '',
              sub_key: source.limit?.sub_key ?? '',
              title: source.title ?? '',
              priority: source.priority,
              tags: source.tags.join(', '),
            }
          : NO_OPTIONS),
    );
    setErrors({});
    // Fields that keep a text of their own begin anew.
    setRevision((before) => before + 1);
  };
  useEffect(() => {
    if (type && (from === null || source)) fill(from === null ? readDraft(type.type) : null);
  }, [type, source]);

  if (error) return <ErrorNote error={error} />;
  if (types && !type)
    return (
      <p class="empty">
        There is no type "{name}". <a href="#/types">All types</a>
      </p>
    );
  if (!types || !type) return <Skeleton rows={8} />;
  // Values that have no field in the form stay as they were.
  const kept =
    source?.type === name
      ? {
          rerun_of: source.task_id,
          ...(source.description !== null && { description: source.description }),
          ...(options.max_attempts === '' && { max_attempts: source.max_attempts }),
        }
      : {};
  const body = { ...toBody(name, params, options), ...kept };
  const keepDraft = (draft: Draft): void => {
    if (from === null) sessionStorage.setItem(toDraftKey(name), JSON.stringify(draft));
  };
  const changeParams = (changed: Record<string, unknown>): void => {
    setParams(changed);
    keepDraft({ params: changed, options });
  };
  const changeOptions = (change: Partial<TaskOptions>): void => {
    const changed = { ...options, ...change };
    setOptions(changed);
    keepDraft({ params, options: changed });
  };
  const forget = (): void => {
    sessionStorage.removeItem(toDraftKey(name));
    fill(null);
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    act(async () => {
      setErrors({});
      try {
        const task = await post<TaskView>('/tasks', body);
        sessionStorage.removeItem(toDraftKey(name));
        go(`/tasks/${task.task_id}`);
        return 'Submitted';
      } catch (refused) {
        setErrors(toFieldErrors(refused));
        throw refused;
      }
    });
  };
  const code = toCode(language, body, identity.value?.key_id !== null);
  return (
    <>
      <PageHead title={from === null ? 'New task' : 'Run again'}>
        {from === null && readDraft(name) !== null && (
          <button class="small" onClick={forget}>
            Discard the draft
          </button>
        )}
      </PageHead>
      {lost && <ErrorNote error={lost} />}
      <div class="columns even start">
        <Card title="What to run">
          <form class="fields" onSubmit={submit}>
            <div class="field">
              <label for="type">Type</label>
              <select
                id="type"
                value={name}
                onChange={(event) =>
                  replaceQuery(new URLSearchParams({ type: event.currentTarget.value }))
                }
              >
                {types.map((each) => (
                  <option key={each.type} value={each.type}>
                    {each.type}
                  </option>
                ))}
              </select>
              <span class="hint">{type.description}</span>
            </div>
            <NotConfigured type={type} />
            <SchemaForm
              key={`${name} ${revision}`}
              schema={type.params as Schema}
              value={params}
              errors={errors}
              onChange={changeParams}
            />
            <hr />
            <TaskOptionFields options={options} errors={errors} set={changeOptions} />
            <div class="row end">
              <button class="primary" disabled={isBusy}>
                Submit
              </button>
            </div>
          </form>
        </Card>
        <Card title="The same by program" more={<CopyButton text={code} />}>
          <Segmented
            label="Language"
            values={LANGUAGES}
            value={language}
            onChange={(chosen) => setLanguage(chosen)}
          />
          <pre class="curl" tabIndex={0}>
            {code}
          </pre>
        </Card>
      </div>
    </>
  );
};

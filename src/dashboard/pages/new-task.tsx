import { PRIORITIES } from '../../domain/words.ts';
import { useEffect, useState } from 'preact/hooks';
import type { TaskView } from '../../domain/view.ts';
import { apiKey, get, post } from '../api.ts';
import { go, replaceQuery, route } from '../router.ts';
import { Card, ErrorNote, PageHead } from '../components/ui.tsx';
import { SchemaForm, type Schema } from '../components/schema-form.tsx';
import { toast } from '../components/toast.tsx';
import { useAction, useQuery } from '../hooks.ts';

interface TaskType {
  type: string;
  description: string;
  params: Schema;
  example: Record<string, unknown>;
  configured: boolean;
  needs: string[];
}

/** The fields beside the parameters. Empty ones are left out of the request. */
interface Words {
  title: string;
  priority: string;
  delay_seconds: string;
  tags: string;
}

const NO_WORDS: Words = { title: '', priority: 'MEDIUM', delay_seconds: '', tags: '' };

const toBody = (type: string, params: unknown, { title, priority, delay_seconds, tags }: Words) => {
  const list = tags
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  return {
    type,
    params,
    ...(title !== '' && { title }),
    ...(priority !== 'MEDIUM' && { priority }),
    ...(delay_seconds !== '' && { delay_seconds: Number(delay_seconds) }),
    ...(list.length > 0 && { tags: list }),
  };
};

const quoteForShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same in a shell. The key stays a variable. */
const toCurl = (body: object): string =>
  [
    `curl ${location.origin}/tasks \\`,
    ...(apiKey.value === null ? [] : [`  -H "Authorization: Bearer $TASKER_KEY" \\`]),
    `  -H 'Content-Type: application/json' \\`,
    `  -d ${quoteForShell(JSON.stringify(body))}`,
  ].join('\n');

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
  const [words, setWords] = useState(NO_WORDS);
  const [revision, setTurn] = useState(0);
  const [isBusy, act] = useAction();
  const name = query.get('type') ?? source?.type ?? types?.[0]?.type ?? '';
  const type = types?.find((each) => each.type === name);

  useEffect(() => {
    if (!type || (from !== null && !source)) return;
    const isSource = source?.type === type.type;
    setParams(isSource ? (source.params as Record<string, unknown>) : type.example);
    if (isSource)
      setWords({
        ...NO_WORDS,
        title: source.title ?? '',
        priority: source.priority,
        tags: source.tags.join(', '),
      });
    // Fields that keep a text of their own begin anew.
    setTurn((before) => before + 1);
  }, [type, source]);

  if (error) return <ErrorNote error={error} />;
  if (types && !type)
    return (
      <p class="empty">
        There is no type "{name}". <a href="#/types">All types</a>
      </p>
    );
  if (!types) return <p class="empty">Loading …</p>;
  // Values that have no field in the form stay as they were.
  const kept =
    source?.type === name
      ? {
          ...(source.description !== null && { description: source.description }),
          max_attempts: source.max_attempts,
        }
      : {};
  const body = { ...toBody(name, params, words), ...kept };
  const set = (change: Partial<Words>): void => setWords((before) => ({ ...before, ...change }));
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    act(async () => {
      const task = await post<TaskView>('/tasks', body);
      go(`/tasks/${task.task_id}`);
      return 'Submitted';
    });
  };
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(toCurl(body)).then(
      () => toast('Copied'),
      () => toast('The browser does not allow to copy', 'error'),
    );
  };
  return (
    <>
      <PageHead title={from === null ? 'New task' : 'Run again'} />
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
              <span class="hint">{type?.description}</span>
            </div>
            {type && !type.configured && (
              <p class="note warn">Not configured here: it needs {type.needs.join(', ')}.</p>
            )}
            {type && (
              <SchemaForm
                key={`${name} ${revision}`}
                schema={type.params}
                value={params}
                onChange={setParams}
              />
            )}
            <hr />
            <div class="field">
              <label for="title">Title</label>
              <input
                id="title"
                maxLength={200}
                value={words.title}
                onInput={(event) => set({ title: event.currentTarget.value })}
              />
            </div>
            <div class="pair">
              <div class="field">
                <label for="priority">Priority</label>
                <select
                  id="priority"
                  value={words.priority}
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
                <label for="delay">Delay, seconds</label>
                <input
                  id="delay"
                  type="number"
                  min={0}
                  value={words.delay_seconds}
                  onInput={(event) => set({ delay_seconds: event.currentTarget.value })}
                />
              </div>
            </div>
            <div class="field">
              <label for="tags">Tags</label>
              <input
                id="tags"
                value={words.tags}
                placeholder="nightly, reports"
                onInput={(event) => set({ tags: event.currentTarget.value })}
              />
              <span class="hint">Separated by commas</span>
            </div>
            <div class="row end">
              <button class="primary" disabled={isBusy}>
                Submit
              </button>
            </div>
          </form>
        </Card>
        <Card
          title="The same by curl"
          more={
            <button class="small" onClick={() => void copy()}>
              Copy
            </button>
          }
        >
          <pre class="curl" tabIndex={0}>
            {toCurl(body)}
          </pre>
        </Card>
      </div>
    </>
  );
};

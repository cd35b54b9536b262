import { useEffect, useState } from 'preact/hooks';
import { ApiError, api, get } from '../api.ts';
import { go, route } from '../router.ts';
import { Card, ErrorNote, PageHead, Segmented } from '../components/ui.tsx';
import type { FieldErrors } from '../components/schema-form.tsx';
import { TypeRegistered } from '../components/type-registered.tsx';
import type { TaskType } from '../components/type-facts.tsx';
import { useAction, useQuery } from '../hooks.ts';

const KINDS = { worker: 'A worker', endpoint: 'An endpoint', manual: 'A person' };
type Kind = keyof typeof KINDS;
const EXPLAINED: Record<Kind, string> = {
  worker: 'A program of yours asks for tasks, from anywhere, also behind a firewall.',
  endpoint: 'Tasker sends each task to a URL of yours, and takes the answer as its result.',
  manual: 'Somebody, or another system, ends each task by a button or a call.',
};

interface Form {
  name: string;
  description: string;
  kind: Kind;
  url: string;
  params: string;
  result: string;
  example: string;
  max_attempts: string;
  timeout_seconds: string;
}
const EMPTY: Form = {
  name: '',
  description: '',
  kind: 'worker',
  url: '',
  params: '',
  result: '',
  example: '',
  max_attempts: '',
  timeout_seconds: '',
};

const toText = (value: unknown): string =>
  value === null || value === undefined ? '' : JSON.stringify(value, null, 2);

const toForm = (type: TaskType): Form => ({
  name: type.type,
  description: type.description,
  kind: type.kind === 'built_in' ? 'worker' : type.kind,
  url: type.run && 'endpoint' in type.run ? type.run.endpoint.url : '',
  params: toText(type.params),
  result: toText(type.result),
  example: toText(type.example),
  max_attempts: String(type.retry.max_attempts),
  timeout_seconds: String(type.timeout_seconds),
});

/** JSON of a field, or a message at that field. */
const parseField = (errors: Record<string, string>, name: string, text: string): object => {
  if (text.trim() === '') return {};
  try {
    return { [name]: JSON.parse(text) as unknown };
  } catch (error) {
    errors[name] = `This is not JSON. ${(error as Error).message}`;
    return {};
  }
};

const toRun = ({ kind, url }: Form) =>
  kind === 'endpoint' ? { endpoint: { url } } : kind === 'worker' ? { worker: {} } : { manual: {} };

interface FieldProps {
  name: keyof Form;
  label: string;
  hint?: string;
  form: Form;
  errors: FieldErrors;
  set(change: Partial<Form>): void;
}

const findError = (errors: FieldErrors, name: string): string | undefined =>
  Object.entries(errors).find(([path]) => path === name || path.startsWith(`${name}.`))?.[1];

const TextField = ({
  name,
  label,
  hint,
  form,
  errors,
  set,
  ...more
}: FieldProps & Record<string, unknown>) => {
  const wrong = findError(errors, name === 'url' ? 'run' : name);
  const shared = {
    id: name,
    value: form[name],
    'aria-invalid': wrong !== undefined,
    'aria-describedby': `${name}-hint`,
    onInput: (event: InputEvent) =>
      set({ [name]: (event.currentTarget as HTMLInputElement).value }),
  };
  const isJson = ['params', 'result', 'example'].includes(name);
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {isJson ? <textarea class="code" rows={5} {...shared} /> : <input {...shared} {...more} />}
      <span id={`${name}-hint`} class={wrong === undefined ? 'hint' : 'wrong'}>
        {wrong ?? hint}
      </span>
    </div>
  );
};

/** A type whose code is not in the service: a new one, or a change of one. */
export const RegisterTypePage = () => {
  const name = route.value.query.get('type');
  const { data: present, error: lost } = useQuery(`register ${name ?? ''}`, async () =>
    name === null ? null : get<TaskType>(`/task-types/${name}`),
  );
  const [form, setForm] = useState(EMPTY);
  const [errors, setErrors] = useState<FieldErrors>({});
  const [made, setMade] = useState<{ type: TaskType; secret: string | null } | null>(null);
  const [isBusy, act] = useAction();
  useEffect(() => {
    if (present) setForm(toForm(present));
  }, [present]);
  const set = (change: Partial<Form>): void => setForm((before) => ({ ...before, ...change }));
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const wrong: Record<string, string> = {};
    const number = (field: 'max_attempts' | 'timeout_seconds') =>
      form[field] === '' ? {} : { [field]: Number(form[field]) };
    const body = {
      description: form.description,
      run: toRun(form),
      ...parseField(wrong, 'params', form.params),
      ...parseField(wrong, 'result', form.result),
      ...parseField(wrong, 'example', form.example),
      ...number('max_attempts'),
      ...number('timeout_seconds'),
    };
    setErrors(wrong);
    if (Object.keys(wrong).length > 0) return;
    act(async () => {
      try {
        const { secret = null, ...type } = await api<TaskType & { secret?: string }>(
          'PUT',
          `/task-types/${encodeURIComponent(form.name)}`,
          body,
        );
        if (name !== null) {
          go(`/types/${type.type}`);
          return 'Changed: seen everywhere within ten seconds';
        }
        setMade({ type, secret });
        return undefined;
      } catch (refused) {
        if (refused instanceof ApiError)
          setErrors(Object.fromEntries(refused.errors.map(({ path, message }) => [path, message])));
        throw refused;
      }
    });
  };
  const shared = { form, errors, set };
  if (made) return <TypeRegistered {...made} />;
  return (
    <>
      <PageHead title={name === null ? 'Register a type' : `Change ${name}`} />
      {lost && <ErrorNote error={lost} />}
      <Card title="What it is, and who runs it">
        <form class="fields" onSubmit={submit}>
          <TextField
            {...shared}
            name="name"
            label="Name *"
            required
            disabled={name !== null}
            maxLength={64}
            placeholder="resize"
            hint="As it stands in code and URLs"
          />
          <TextField
            {...shared}
            name="description"
            label="Description *"
            required
            maxLength={500}
            hint="What it does, for people"
          />
          <div class="field">
            <span id="kind">Who runs it</span>
            <Segmented
              label="Who runs it"
              values={KINDS}
              value={form.kind}
              onChange={(kind) => set({ kind })}
            />
            <span class="hint">{EXPLAINED[form.kind]}</span>
          </div>
          {form.kind === 'endpoint' && (
            <TextField
              {...shared}
              name="url"
              label="URL *"
              type="url"
              required
              placeholder="https://example.com/tasks/resize"
              hint="Public https; requests are signed"
            />
          )}
          <TextField
            {...shared}
            name="params"
            label="Parameters, as JSON Schema"
            hint="Empty: any"
          />
          <TextField
            {...shared}
            name="example"
            label="Example parameters"
            hint="Fills the form of a new task"
          />
          <details>
            <summary>Options: result, attempts, timeout</summary>
            <TextField
              {...shared}
              name="result"
              label="Result, as JSON Schema"
              hint="Empty: any JSON"
            />
            <TextField
              {...shared}
              name="max_attempts"
              label="Attempts"
              type="number"
              min={1}
              max={25}
              hint="Empty: 3"
            />
            <TextField
              {...shared}
              name="timeout_seconds"
              label="Timeout, seconds"
              type="number"
              min={1}
              hint="Empty: 30, or a year for a person"
            />
          </details>
          <div class="row end">
            <button class="primary" disabled={isBusy}>
              {name === null ? 'Register' : 'Save'}
            </button>
          </div>
        </form>
      </Card>
    </>
  );
};

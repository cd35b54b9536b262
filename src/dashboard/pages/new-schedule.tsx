import { useEffect, useState } from 'preact/hooks';
import type { ScheduleAnswer } from '../schedules.ts';
import { ApiError, api, get } from '../api.ts';
import { useAction, useQuery } from '../hooks.ts';
import { go, route } from '../router.ts';
import {
  NEW_SCHEDULE,
  toForm,
  toWhen,
  toScheduleBody,
  type ScheduleForm,
} from '../schedule-form.ts';
import { SchemaForm, type FieldErrors, type Schema } from '../components/schema-form.tsx';
import { Field, PolicyFields, WhenFields } from '../components/schedule-fields.tsx';
import { SchedulePreview } from '../components/schedule-preview.tsx';
import { NotConfigured, type TaskType } from '../components/type-facts.tsx';
import { Card, ErrorNote, PageHead, Skeleton } from '../components/ui.tsx';

/** Errors of the task are told at the fields of its parameters. */
const toFieldErrors = (error: ApiError): FieldErrors =>
  Object.fromEntries(
    error.errors.map(({ path, message }) => [path.replace(/^task\./, ''), message]),
  );

/** A schedule: a new one, or a change of one. */
export const NewSchedulePage = () => {
  const id = route.value.query.get('schedule');
  const { data: types, error } = useQuery(
    'types',
    async () => (await get<{ task_types: TaskType[] }>('/task-types')).task_types,
  );
  const { data: present, error: lost } = useQuery(`change ${id ?? ''}`, async () =>
    id === null ? null : get<ScheduleAnswer>(`/schedules/${id}`),
  );
  const [form, setForm] = useState(NEW_SCHEDULE);
  const [params, setParams] = useState<Record<string, unknown>>({});
  const [errors, setErrors] = useState<FieldErrors>({});
  const [revision, setRevision] = useState(0);
  const [isBusy, act] = useAction();
  const set = (change: Partial<ScheduleForm>): void =>
    setForm((before) => ({ ...before, ...change }));
  const chooseType = (name: string, given?: unknown): void => {
    set({ type: name });
    const example = types?.find((each) => each.type === name)?.example;
    setParams((given ?? example ?? {}) as Record<string, unknown>);
    setRevision((before) => before + 1);
  };
  useEffect(() => {
    if (!types || (id !== null && !present)) return;
    if (present) setForm(toForm(present));
    const task = present?.task as { type: string; params: unknown } | null | undefined;
    const asked = route.value.query.get('type');
    chooseType(task?.type ?? asked ?? types[0]?.type ?? '', task?.params);
  }, [types, present]);

  if (error || lost) return <ErrorNote error={(error ?? lost) as Error} />;
  if (!types || form.type === '') return <Skeleton rows={8} />;
  const type = types.find((each) => each.type === form.type);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    act(async () => {
      setErrors({});
      try {
        const body = toScheduleBody(form, params, present);
        const [method, path] =
          id === null
            ? (['POST', '/schedules'] as const)
            : (['PATCH', `/schedules/${id}`] as const);
        const made = await api<ScheduleAnswer>(method, path, body);
        go(`/schedules/${made.schedule_id}`);
        return id === null ? `${made.name} is created` : `${made.name} is changed`;
      } catch (refused) {
        if (refused instanceof ApiError) setErrors(toFieldErrors(refused));
        throw refused;
      }
    });
  };
  return (
    <>
      <PageHead title={id === null ? 'New schedule' : `Change ${form.name}`} />
      <div class="columns even start">
        <Card title="What it does">
          <form class="fields" onSubmit={submit}>
            <Field
              id="name"
              label="Name *"
              hint="It stands for the schedule in URLs and on the terminal"
              error={errors['name']}
            >
              <input
                id="name"
                required
                maxLength={100}
                placeholder="nightly-report"
                value={form.name}
                onInput={(event) => set({ name: event.currentTarget.value })}
              />
            </Field>
            <WhenFields form={form} errors={errors} set={set} />
            <hr />
            <Field id="type" label="Type" hint={type?.description} error={errors['type']}>
              <select
                id="type"
                value={form.type}
                onChange={(event) => chooseType(event.currentTarget.value)}
              >
                {!type && <option value={form.type}>{form.type}, which is gone</option>}
                {types.map((each) => (
                  <option key={each.type} value={each.type}>
                    {each.type}
                  </option>
                ))}
              </select>
            </Field>
            {type && (
              <>
                <NotConfigured type={type} />
                <SchemaForm
                  key={`${form.type} ${revision}`}
                  schema={type.params as Schema}
                  value={params}
                  errors={errors}
                  onChange={setParams}
                />
              </>
            )}
            <div class="pair">
              <Field
                id="title"
                label="Title"
                hint={
                  <>
                    <code>{'{{scheduled_for}}'}</code> becomes the moment, here and in texts of the
                    parameters
                  </>
                }
                error={errors['title']}
              >
                <input
                  id="title"
                  maxLength={200}
                  value={form.title}
                  onInput={(event) => set({ title: event.currentTarget.value })}
                />
              </Field>
              <Field id="tags" label="Tags" hint="Separated by commas" error={errors['tags']}>
                <input
                  id="tags"
                  value={form.tags}
                  onInput={(event) => set({ tags: event.currentTarget.value })}
                />
              </Field>
            </div>
            <hr />
            <PolicyFields form={form} set={set} />
            <div class="row end">
              <button class="primary" disabled={isBusy}>
                {id === null ? 'Create' : 'Save'}
              </button>
            </div>
          </form>
        </Card>
        <Card title="When it would fire">
          <SchedulePreview recurrence={toWhen(form)} />
        </Card>
      </div>
    </>
  );
};

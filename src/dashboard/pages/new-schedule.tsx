import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ScheduleAnswer } from '../schedules.ts';
import { ApiError, api, get } from '../api.ts';
import { useAction, useQuery } from '../hooks.ts';
import { go, route } from '../router.ts';
import {
  EVERY_UNITS,
  NEW_SCHEDULE,
  toForm,
  toWhen,
  toScheduleBody,
  type ScheduleForm,
} from '../schedule-form.ts';
import { SchemaForm, type FieldErrors, type Schema } from '../components/schema-form.tsx';
import { SchedulePreview } from '../components/schedule-preview.tsx';
import { NotConfigured, type TaskType } from '../components/type-facts.tsx';
import { Card, ErrorNote, PageHead, Segmented, Skeleton } from '../components/ui.tsx';

const KINDS = { cron: 'By the clock', every: 'At an interval' };
const OVERLAPS = {
  allow: 'Begin one more',
  skip: 'Skip the moment',
  queue_one: 'Let one wait',
  cancel_previous: 'Cancel the one before',
};
const CATCH_UPS = { latest: 'Run the newest', all: 'Run all', none: 'Run none' };
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')];

/** Errors of the task are told at the fields of its parameters. */
const toFieldErrors = (error: ApiError): FieldErrors =>
  Object.fromEntries(
    error.errors.map(({ path, message }) => [path.replace(/^task\./, ''), message]),
  );

interface FieldProps {
  id: string;
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  children: ComponentChildren;
}
const Field = ({ id, label, hint, error, children }: FieldProps) => (
  <div class="field">
    <label for={id}>{label}</label>
    {children}
    {error === undefined ? (
      hint !== undefined && <span class="hint">{hint}</span>
    ) : (
      <span class="hint wrong" role="alert">
        {error}
      </span>
    )}
  </div>
);

interface PartProps {
  form: ScheduleForm;
  errors: FieldErrors;
  set(change: Partial<ScheduleForm>): void;
}

const WhenFields = ({ form, errors, set }: PartProps) => (
  <>
    <div class="field">
      <span>When</span>
      <Segmented label="When" values={KINDS} value={form.kind} onChange={(kind) => set({ kind })} />
    </div>
    {form.kind === 'cron' ? (
      <Field
        id="cron"
        label="Cron"
        hint="Minute, hour, day, month, weekday; @daily and its kin"
        error={errors['cron']}
      >
        <input
          id="cron"
          class="code"
          required
          maxLength={200}
          value={form.cron}
          onInput={(event) => set({ cron: event.currentTarget.value })}
        />
      </Field>
    ) : (
      <Field id="count" label="Every" error={errors['every']}>
        <span class="row">
          <input
            id="count"
            type="number"
            required
            min={1}
            value={form.count}
            onInput={(event) => set({ count: event.currentTarget.value })}
          />
          <select
            aria-label="Unit"
            value={form.unit}
            onChange={(event) => set({ unit: event.currentTarget.value as ScheduleForm['unit'] })}
          >
            {Object.entries(EVERY_UNITS).map(([unit, name]) => (
              <option key={unit} value={unit}>
                {name}
              </option>
            ))}
          </select>
        </span>
      </Field>
    )}
    <Field
      id="timezone"
      label="Time zone"
      hint="A time that clocks skip fires after the gap; one that comes twice, at the first"
      error={errors['timezone']}
    >
      <input
        id="timezone"
        list="zones"
        required
        value={form.timezone}
        onInput={(event) => set({ timezone: event.currentTarget.value })}
      />
      <datalist id="zones">
        {ZONES.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </Field>
  </>
);

const PolicyFields = ({ form, set }: Pick<PartProps, 'form' | 'set'>) => (
  <>
    <div class="field">
      <span>While the task before has not ended</span>
      <Segmented
        label="While the task before has not ended"
        values={OVERLAPS}
        value={form.overlap}
        onChange={(overlap) => set({ overlap })}
      />
    </div>
    <div class="field">
      <span>What was missed while the service was away</span>
      <Segmented
        label="What was missed"
        values={CATCH_UPS}
        value={form.catch_up}
        onChange={(catch_up) => set({ catch_up })}
      />
    </div>
  </>
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

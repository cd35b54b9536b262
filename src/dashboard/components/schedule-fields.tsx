import type { ComponentChildren } from 'preact';
import { EVERY_UNITS, type ScheduleForm } from '../schedule-form.ts';
import type { FieldErrors } from './schema-form.tsx';
import { Segmented } from './ui.tsx';

const KINDS = { cron: 'By the clock', every: 'At an interval' };
const OVERLAPS = {
  allow: 'Begin one more',
  skip: 'Skip the moment',
  queue_one: 'Let one wait',
  cancel_previous: 'Cancel the one before',
};
const CATCH_UPS = { latest: 'Run the newest', all: 'Run all', none: 'Run none' };
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')];

interface FieldProps {
  id: string;
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  children: ComponentChildren;
}
export const Field = ({ id, label, hint, error, children }: FieldProps) => (
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

export const WhenFields = ({ form, errors, set }: PartProps) => (
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

export const PolicyFields = ({ form, set }: Pick<PartProps, 'form' | 'set'>) => (
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

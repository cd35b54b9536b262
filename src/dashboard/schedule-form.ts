import type { ScheduleAnswer } from './schedules.ts';

export const EVERY_UNITS = { minutes: 'minutes', hours: 'hours', days: 'days', seconds: 'seconds' };
type Unit = keyof typeof EVERY_UNITS;

/** What the form of a schedule holds beside the parameters of its task. */
export interface ScheduleForm {
  name: string;
  kind: 'cron' | 'every';
  cron: string;
  count: string;
  unit: Unit;
  timezone: string;
  overlap: ScheduleAnswer['overlap'];
  catch_up: ScheduleAnswer['catch_up'];
  type: string;
  title: string;
  tags: string;
}

export const NEW_SCHEDULE: ScheduleForm = {
  name: '',
  kind: 'cron',
  cron: '30 2 * * *',
  count: '15',
  unit: 'minutes',
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  overlap: 'allow',
  catch_up: 'latest',
  type: '',
  title: '',
  tags: '',
};

interface StoredTask {
  type: string;
  params: Record<string, unknown>;
  title?: string | null;
  tags?: string[];
}

export const toForm = (schedule: ScheduleAnswer): ScheduleForm => {
  const [unit = 'minutes', count = 15] = Object.entries(schedule.every ?? {})[0] ?? [];
  const task = schedule.task as StoredTask | null;
  return {
    name: schedule.name,
    kind: schedule.cron === null ? 'every' : 'cron',
    cron: schedule.cron ?? NEW_SCHEDULE.cron,
    count: String(count),
    unit: unit as Unit,
    timezone: schedule.timezone,
    overlap: schedule.overlap,
    catch_up: schedule.catch_up,
    type: task?.type ?? '',
    title: task?.title ?? '',
    tags: (task?.tags ?? []).join(', '),
  };
};

/** When it fires, as the service takes it. */
export const toWhen = ({ kind, cron, count, unit, timezone }: ScheduleForm) =>
  kind === 'cron' ? { cron, timezone } : { every: { [unit]: Number(count) }, timezone };

/** The body of the request. @param before what the form has no field for stays */
export const toScheduleBody = (
  form: ScheduleForm,
  params: unknown,
  before: ScheduleAnswer | null,
) => {
  const stored = (before?.task ?? null) as StoredTask | null;
  const isEdited = form.tags !== (stored?.tags ?? []).join(', ');
  const tags = isEdited ? form.tags.split(',').map((tag) => tag.trim()) : (stored?.tags ?? []);
  const kept = form.type === stored?.type ? stored : {};
  return {
    name: form.name,
    ...toWhen(form),
    overlap: form.overlap,
    catch_up: form.catch_up,
    task: {
      ...kept,
      type: form.type,
      params,
      title: form.title === '' ? null : form.title,
      tags: tags.filter((tag) => tag !== ''),
    },
  };
};

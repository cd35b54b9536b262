import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { isFinal } from '../domain/words.ts';
import { formatDuration } from './format.ts';
import { useNow } from './hooks.ts';
import type { TaskUpdate } from './live.ts';
import { Age, ShortId } from './components/ui.tsx';

/** A column of the list that can be chosen. */
interface Column {
  name: string;
  isNumber?: boolean;
  show(task: TaskUpdate): ComponentChildren;
}

const between = (from: string | null, to: string | number): number | null =>
  from === null ? null : Math.max(0, (new Date(to).getTime() - Date.parse(from)) / 1_000);

const Duration = ({ from, to }: { from: string | null; to: string | null }) => {
  const now = useNow();
  return <>{formatDuration(between(from, to ?? now))}</>;
};

const firstLine = (params: unknown): string => JSON.stringify(params ?? null).slice(0, 80);

const COLUMNS: Record<string, Column> = {
  id: { name: 'Id', show: (task) => <ShortId id={task.task_id} /> },
  queue: { name: 'Queue', show: (task) => task.queue },
  attempt: {
    name: 'Attempt',
    isNumber: true,
    show: (task) => `${task.attempt}/${task.max_attempts}`,
  },
  tags: { name: 'Tags', show: (task) => task.tags.join(', ') },
  params: {
    name: 'Parameters',
    show: (task) => ('params' in task ? <code>{firstLine(task.params)}</code> : ''),
  },
  due: { name: 'Due', show: (task) => <Age at={task.scheduled_at} /> },
  waited: {
    name: 'Waited',
    isNumber: true,
    show: (task) =>
      isFinal(task.status) && task.started_at === null ? (
        '–'
      ) : (
        <Duration from={task.scheduled_at ?? task.submitted_at} to={task.started_at} />
      ),
  },
  duration: {
    name: 'Duration',
    isNumber: true,
    show: (task) =>
      task.started_at === null ? '–' : <Duration from={task.started_at} to={task.completed_at} />,
  },
  submitted: { name: 'Submitted', isNumber: true, show: (task) => <Age at={task.submitted_at} /> },
};

const STORED = 'tasker-columns';
const USUAL = ['id', 'queue', 'attempt', 'duration', 'submitted'];

const read = (): string[] => {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? 'null') as unknown;
    return Array.isArray(stored) ? stored.map(String).filter((name) => name in COLUMNS) : USUAL;
  } catch {
    return USUAL;
  }
};

const chosen = signal<string[]>(read());

/** The columns that are shown, in their order. */
export const listColumns = (): (Column & { key: string })[] =>
  Object.entries(COLUMNS)
    .filter(([key]) => chosen.value.includes(key))
    .map(([key, column]) => ({ key, ...column }));

const toggleColumn = (key: string, isOn: boolean): void => {
  chosen.value = isOn ? [...chosen.value, key] : chosen.value.filter((each) => each !== key);
  localStorage.setItem(STORED, JSON.stringify(chosen.value));
};

export const ColumnChooser = () => (
  <details class="dropdown">
    <summary class="button small">Columns</summary>
    <div class="menu">
      {Object.entries(COLUMNS).map(([key, { name }]) => (
        <label class="check" key={key}>
          <input
            type="checkbox"
            checked={chosen.value.includes(key)}
            onChange={(event) => toggleColumn(key, event.currentTarget.checked)}
          />{' '}
          {name}
        </label>
      ))}
    </div>
  </details>
);

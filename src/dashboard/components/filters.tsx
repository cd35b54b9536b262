import { useEffect, useState } from 'preact/hooks';
import { QUEUES } from '../../domain/routing.ts';
import { PRIORITIES, STATUSES } from '../../domain/words.ts';
import { get } from '../api.ts';
import { toWords } from '../format.ts';
import { useQuery } from '../hooks.ts';
import { replaceQuery, route } from '../router.ts';

/** The names of a list's filters, as they stand in the URL of the page and in the API's query. */
const NAMED = [
  'status',
  'type',
  'priority',
  'queue',
  'tag',
  'q',
  'error',
  'rerun_of',
  'parent_id',
  'schedule_id',
  'submitted_after',
  'submitted_before',
];
const isFilter = (name: string): boolean => NAMED.includes(name) || /^(params|result)\./.test(name);

/** The part of the URL's query that is a filter. */
export const filterQuery = (query: URLSearchParams): URLSearchParams =>
  new URLSearchParams([...query].filter(([name, value]) => isFilter(name) && value !== ''));

const change = (edit: (query: URLSearchParams) => void): void => {
  const query = new URLSearchParams(route.value.query);
  edit(query);
  replaceQuery(query);
};

/** Several values of one filter widen the list. */
const addFilter = (name: string, value: string): void =>
  change((query) => {
    if (value.trim() !== '' && !query.getAll(name).includes(value)) query.append(name, value);
  });

const setFilter = (name: string, value: string): void =>
  change((query) => (value === '' ? query.delete(name) : query.set(name, value)));

const dropFilter = (name: string, value: string): void =>
  change((query) => {
    const rest = query.getAll(name).filter((each) => each !== value);
    query.delete(name);
    for (const each of rest) query.append(name, each);
  });

/** Adds a value each time one is chosen; what is chosen stands beside it, as chips. */
const Select = ({ name, values }: { name: string; values: readonly string[] }) => (
  <select
    aria-label={name}
    value=""
    onChange={(event) => {
      addFilter(name, event.currentTarget.value);
      event.currentTarget.value = '';
    }}
  >
    <option value="">+ {name}</option>
    {values.map((value) => (
      <option key={value} value={value}>
        {toWords(value)}
      </option>
    ))}
  </select>
);

const Chips = () => {
  const chips = [...filterQuery(route.value.query)];
  if (chips.length === 0) return null;
  return (
    <div class="chips" role="list" aria-label="Filters in use">
      {chips.map(([name, value]) => (
        <span class="chip" role="listitem" key={`${name} ${value}`}>
          <span class="muted">{name.replace('submitted_', '')}</span> {value.slice(0, 80)}
          <button
            type="button"
            class="plain"
            aria-label={`Drop ${name} ${value.slice(0, 80)}`}
            onClick={() => dropFilter(name, value)}
          >
            ×
          </button>
        </span>
      ))}
      <button type="button" class="small" onClick={() => replaceQuery(new URLSearchParams())}>
        Clear filters
      </button>
    </div>
  );
};

interface Field {
  path: string;
  example: string;
}

/** `params.city` and `Lisbon`: looks inside. The paths that tasks have are suggested. */
const FieldFilter = () => {
  const [path, setPath] = useState('');
  const [value, setValue] = useState('');
  const [fields, setFields] = useState<Field[]>([]);
  const suggest = (): void => {
    if (fields.length > 0) return;
    get<{ fields: Field[] }>('/tasks/fields').then(
      (found) => setFields(found.fields),
      () => {},
    );
  };
  const apply = (): void => {
    const whole = /^(params|result)\./.test(path) ? path : `params.${path}`;
    if (path.trim() === '' || value === '') return;
    setFilter(whole, value);
    setPath('');
    setValue('');
  };
  const onEnter = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') apply();
  };
  const example = fields.find((each) => each.path === path)?.example;
  return (
    <fieldset class="filter pair">
      <legend class="hidden">A value inside</legend>
      <input
        aria-label="Path, such as params.city"
        list="paths"
        value={path}
        placeholder="params.city"
        onFocus={suggest}
        onInput={(event) => setPath(event.currentTarget.value)}
        onKeyDown={onEnter}
      />
      <datalist id="paths">
        {fields.map((each) => (
          <option key={each.path} value={each.path}>
            {each.example}
          </option>
        ))}
      </datalist>
      <input
        aria-label="Value"
        value={value}
        placeholder={example ?? 'value'}
        onInput={(event) => setValue(event.currentTarget.value)}
        onChange={apply}
        onKeyDown={onEnter}
      />
    </fieldset>
  );
};

const TagFilter = () => {
  const [text, setText] = useState('');
  const apply = (): void => {
    addFilter('tag', text.trim());
    setText('');
  };
  return (
    <input
      aria-label="tag"
      class="short"
      value={text}
      placeholder="+ tag"
      onInput={(event) => setText(event.currentTarget.value)}
      onChange={apply}
    />
  );
};

/** A moment in the reader's own zone, kept as UTC. */
const MomentFilter = ({ name, label }: { name: string; label: string }) => {
  const iso = route.value.query.get(name);
  const toLocal = (at: string | null): string => {
    if (at === null || Number.isNaN(Date.parse(at))) return '';
    const date = new Date(at);
    return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  };
  const [text, setText] = useState(toLocal(iso));
  useEffect(() => setText(toLocal(iso)), [iso]);
  return (
    <label class="filter">
      <span>{label}</span>
      <input
        type="datetime-local"
        value={text}
        onChange={(event) => {
          const { value } = event.currentTarget;
          setFilter(name, value === '' ? '' : new Date(value).toISOString());
        }}
      />
    </label>
  );
};

/** All filters of the list; what is chosen stands in the URL. */
export const Filters = () => {
  const { data } = useQuery('types', () => get<{ task_types: { type: string }[] }>('/task-types'));
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <Select name="status" values={STATUSES} />
      <Select name="type" values={data?.task_types.map(({ type }) => type) ?? []} />
      <Select name="priority" values={PRIORITIES} />
      <Select name="queue" values={QUEUES} />
      <TagFilter />
      <details class="more">
        <summary>Time and values</summary>
        <div class="row">
          <MomentFilter name="submitted_after" label="from" />
          <MomentFilter name="submitted_before" label="before" />
          <FieldFilter />
        </div>
      </details>
      <Chips />
    </form>
  );
};

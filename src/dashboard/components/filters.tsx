import { PRIORITIES, STATUSES } from '../../domain/words.ts';
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api.ts';
import { toWords } from '../format.ts';
import { replaceQuery, route } from '../router.ts';
import { QUEUES } from '../../domain/routing.ts';
import { useQuery } from '../hooks.ts';

/** The names of a list's filters, as they stand in the URL of the page and in the API's query. */
const NAMED = [
  'status',
  'type',
  'priority',
  'queue',
  'tag',
  'q',
  'error',
  'submitted_after',
  'submitted_before',
];
const isFilter = (name: string): boolean => NAMED.includes(name) || /^(params|result)\./.test(name);

/** The part of the URL's query that is a filter. */
export const filterQuery = (query: URLSearchParams): URLSearchParams =>
  new URLSearchParams([...query].filter(([name, value]) => isFilter(name) && value !== ''));

const setFilter = (name: string, value: string): void => {
  const query = new URLSearchParams(route.value.query);
  query.delete(name);
  if (value !== '') query.set(name, value);
  query.delete('cursor');
  replaceQuery(query);
};

const Select = ({ name, values }: { name: string; values: readonly string[] }) => (
  <label class="filter">
    <span>{name}</span>
    <select
      value={route.value.query.get(name) ?? ''}
      onChange={(event) => setFilter(name, event.currentTarget.value)}
    >
      <option value="">any</option>
      {values.map((value) => (
        <option key={value} value={value}>
          {toWords(value)}
        </option>
      ))}
    </select>
  </label>
);

/** A text that becomes a filter once the typing stops. */
const Text = ({
  name,
  label,
  type = 'text',
  placeholder,
}: {
  name: string;
  label: string;
  type?: string;
  placeholder?: string;
}) => {
  const inUrl = route.value.query.get(name) ?? '';
  const [text, setText] = useState(inUrl);
  useEffect(() => setText(inUrl), [inUrl]);
  useEffect(() => {
    const timer = setTimeout(() => text !== inUrl && setFilter(name, text), 300);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="filter">
      <span>{label}</span>
      <input
        // Preact's types name each kind of input apart.
        type={type as 'text'}
        value={text}
        placeholder={placeholder}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
};

/** `params.city` and `Lisbon`: looks inside the parameters. */
const FieldFilter = () => {
  const [at = 'params.', value = ''] =
    [...route.value.query].find(([name]) => /^(params|result)\./.test(name)) ?? [];
  const [path, setPath] = useState(at);
  const [wanted, setWanted] = useState(value);
  useEffect(() => {
    setPath(at);
    setWanted(value);
  }, [at, value]);
  const apply = (): void => {
    const query = new URLSearchParams(
      [...route.value.query].filter(([name]) => !/^(params|result)\./.test(name)),
    );
    const whole = /^(params|result)\./.test(path) ? path : `params.${path}`;
    if (/^\w+\..+/.test(whole) && wanted !== '') query.set(whole, wanted);
    query.delete('cursor');
    replaceQuery(query);
  };
  return (
    <fieldset class="filter pair">
      <legend>field</legend>
      <input
        aria-label="Path, such as params.city"
        value={path}
        placeholder="params.city"
        onInput={(event) => setPath(event.currentTarget.value)}
        onChange={apply}
      />
      <input
        aria-label="Value"
        value={wanted}
        placeholder="value"
        onInput={(event) => setWanted(event.currentTarget.value)}
        onChange={apply}
      />
    </fieldset>
  );
};

/** All filters of the list; what is chosen stands in the URL. */
export const Filters = () => {
  const { data } = useQuery('types', () => get<{ task_types: { type: string }[] }>('/task-types'));
  // As it was when the page came: what is typed into it does not close it.
  const [isOpen] = useState(() =>
    [...route.value.query.keys()].some(
      (name) =>
        ['queue', 'tag', 'submitted_after', 'submitted_before'].includes(name) ||
        name.includes('.'),
    ),
  );
  const count = [...filterQuery(route.value.query)].length;
  const error = route.value.query.get('error');
  return (
    <form
      class="filters"
      role="search"
      aria-label="Filters"
      onSubmit={(event) => event.preventDefault()}
    >
      <Text name="q" label="words" placeholder="title, id, error …" type="search" />
      <Select name="status" values={STATUSES} />
      <Select name="type" values={data?.task_types.map(({ type }) => type) ?? []} />
      <Select name="priority" values={PRIORITIES} />
      <details class="more" open={isOpen}>
        <summary>More filters</summary>
        <div class="row">
          <Select name="queue" values={QUEUES} />
          <Text name="tag" label="tag" />
          <Text name="submitted_after" label="from (UTC)" type="date" />
          <Text name="submitted_before" label="before (UTC)" type="date" />
          <FieldFilter />
        </div>
      </details>
      {error !== null && (
        <span class="chip">
          error: {error.slice(0, 60)}{' '}
          <button
            type="button"
            class="plain"
            aria-label="Drop this filter"
            onClick={() => setFilter('error', '')}
          >
            ×
          </button>
        </span>
      )}
      {count > 0 && (
        <button type="button" class="small" onClick={() => replaceQuery(new URLSearchParams())}>
          Clear filters
        </button>
      )}
    </form>
  );
};

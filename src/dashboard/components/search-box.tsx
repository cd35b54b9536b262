import { useEffect, useRef, useState } from 'preact/hooks';
import { go, route } from '../router.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Opens what a text means: a task, or the list of those that have it. */
export const openSearch = (text: string): void => {
  const wanted = text.trim();
  if (UUID.test(wanted)) go(`/tasks/${wanted.toLowerCase()}`);
  else go('/tasks', wanted === '' ? {} : { q: wanted });
};

/** One box for ids, order numbers, titles, tags and errors, on every page. */
export const SearchBox = () => {
  const inUrl = route.value.path === '/tasks' ? (route.value.query.get('q') ?? '') : '';
  const [text, setText] = useState(inUrl);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(inUrl), [inUrl]);
  return (
    <form
      class="searchbox"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        openSearch(text);
        input.current?.blur();
      }}
    >
      <input
        ref={input}
        id="search"
        type="search"
        aria-label="Search tasks"
        placeholder="Id, order number, title, error …"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
};

import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api.ts';
import { go, toHref } from '../router.ts';
import { PAGES } from '../pages.ts';
import { listViews, toggleWide } from '../views.ts';
import { openSearch } from './search-box.tsx';
import { toggleTimes } from './ui.tsx';
import { togglePause } from '../live.ts';

interface Entry {
  name: string;
  hint: string;
  run(): void;
}

export const isPaletteOpen = signal(false);
const isHelpOpen = signal(false);
/** Kept from the last time, so that they are there at once. */
const knownTypes = signal<string[]>([]);

const listEntries = (types: readonly string[]): Entry[] => [
  ...PAGES.map(({ name, path }) => ({ name, hint: 'Page', run: () => go(path) })),
  ...listViews().map(({ name, query }) => ({
    name,
    hint: 'View',
    run: () => go('/tasks', new URLSearchParams(query)),
  })),
  ...types.map((type) => ({
    name: `New task: ${type}`,
    hint: 'Submit',
    run: () => go('/new', { type }),
  })),
  ...types.map((type) => ({
    name: `Type: ${type}`,
    hint: 'Type',
    run: () => go(`/types/${type}`),
  })),
  { name: 'New schedule', hint: 'Action', run: () => go('/new-schedule') },
  { name: 'Pause or resume updates', hint: 'Action', run: togglePause },
  { name: 'Full width on or off', hint: 'Action', run: toggleWide },
  { name: 'Times: relative or absolute', hint: 'Action', run: toggleTimes },
  { name: 'Keyboard shortcuts', hint: '?', run: () => (isHelpOpen.value = true) },
  { name: 'API documentation', hint: 'Docs', run: () => location.assign('/docs') },
];

/** The commands that a text asks for; last of all, a search for the text itself. */
const findEntries = (text: string): Entry[] => {
  const words = text.toLowerCase().split(/\s+/);
  const found = listEntries(knownTypes.value).filter(({ name, hint }) =>
    words.every((word) => `${name} ${hint}`.toLowerCase().includes(word)),
  );
  const search: Entry = {
    name: `Search tasks for “${text}”`,
    hint: 'Search',
    run: () => openSearch(text),
  };
  return [...found.slice(0, 10), ...(text === '' ? [] : [search])];
};

const loadTypes = (): Promise<void> =>
  get<{ task_types: { type: string }[] }>('/task-types').then(
    ({ task_types }) => void (knownTypes.value = task_types.map(({ type }) => type)),
    () => {},
  );

/** Everything by a few letters. */
export const Palette = () => {
  const dialog = useRef<HTMLDialogElement>(null);
  const loaded = useRef(Promise.resolve());
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const isOpen = isPaletteOpen.value;
  useEffect(() => {
    if (!isOpen) return;
    setText('');
    setAt(0);
    dialog.current?.showModal();
    loaded.current = loadTypes();
  }, [isOpen]);
  if (!isOpen) return null;
  const shown = findEntries(text);
  const chosen = Math.min(at, shown.length - 1);
  const close = (): void => void (isPaletteOpen.value = false);
  const run = (entry: Entry | undefined): void => {
    close();
    entry?.run();
  };
  /** What was typed counts, also where the list does not show it yet. */
  const runTyped = async (typed: string): Promise<void> => {
    if (at === 0 && knownTypes.value.length === 0) await loaded.current;
    run(findEntries(typed)[chosen]);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined) setAt((chosen + move + shown.length) % shown.length);
    else if (event.key === 'Enter') void runTyped((event.currentTarget as HTMLInputElement).value);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} class="palette" aria-label="Commands" onClose={close}>
      <input
        aria-label="Command"
        role="combobox"
        aria-expanded="true"
        aria-controls="commands"
        aria-activedescendant={`command-${chosen}`}
        placeholder="Go to, submit, search …"
        value={text}
        onInput={(event) => (setText(event.currentTarget.value), setAt(0))}
        onKeyDown={onKeyDown}
      />
      <ul id="commands" role="listbox" aria-label="Commands">
        {shown.map((entry, i) => (
          <li
            key={entry.name}
            id={`command-${i}`}
            role="option"
            aria-selected={i === chosen}
            onClick={() => run(entry)}
          >
            <span>{entry.name}</span>
            <span class="muted">{entry.hint}</span>
          </li>
        ))}
      </ul>
    </dialog>
  );
};

const SHORTCUTS: [string, string][] = [
  ['⌘K or Ctrl K', 'Commands'],
  ['/', 'Search'],
  ['n', 'New task'],
  [
    'g then o, t, s, e, y, u, f, k',
    'Overview, tasks, schedules, errors, types, queues, files, keys',
  ],
  ['j, k', 'Next, previous task of a list'],
  ['x', 'Select the task'],
  ['Enter', 'Open the task'],
  ['p', 'Pause or resume updates'],
  ['?', 'This list'],
];

export const ShortcutHelp = () => {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isHelpOpen.value) dialog.current?.showModal();
  }, [isHelpOpen.value]);
  if (!isHelpOpen.value) return null;
  return (
    <dialog ref={dialog} aria-label="Keyboard shortcuts" onClose={() => (isHelpOpen.value = false)}>
      <h2>Keyboard shortcuts</h2>
      <dl class="facts">
        {SHORTCUTS.map(([keys, what]) => (
          <>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <div class="row end">
        <a class="button" href={toHref('/')} onClick={() => dialog.current?.close()}>
          Overview
        </a>
        <button onClick={() => dialog.current?.close()}>Close</button>
      </div>
    </dialog>
  );
};

const GO: Record<string, string> = {
  o: '/',
  t: '/tasks',
  s: '/schedules',
  e: '/errors',
  y: '/types',
  u: '/queues',
  f: '/files',
  k: '/keys',
  a: '/audit',
};
/** Two keys belong together when they follow within this time. */
const CHORD_MS = 1_000;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('input, textarea, select, dialog') !== null;

/** Listens to the keys that work on every page. */
export const startShortcuts = (): void => {
  let goneAt = 0;
  addEventListener('keydown', (event) => {
    const { key, metaKey, ctrlKey, altKey } = event;
    if ((metaKey || ctrlKey) && key.toLowerCase() === 'k') {
      event.preventDefault();
      isPaletteOpen.value = true;
      return;
    }
    if (metaKey || ctrlKey || altKey || isTyping(event.target)) return;
    const isChord = Date.now() - goneAt < CHORD_MS;
    goneAt = 0;
    const page = isChord ? GO[key] : undefined;
    if (page !== undefined) return go(page);
    if (key === 'g') goneAt = Date.now();
    else if (key === 'n') go('/new');
    else if (key === 'p') togglePause();
    else if (key === '?') isHelpOpen.value = true;
    else if (key === '/') {
      event.preventDefault();
      document.getElementById('search')?.focus();
    }
  });
};

import { signal } from '@preact/signals';

/** A list of tasks that somebody comes back to: its filters, as they stand in the URL. */
export interface SavedView {
  name: string;
  query: string;
  isBuiltIn: boolean;
}

const STORED = 'tasker-views';

const yesterday = (): string => {
  const day = new Date(Date.now() - 86_400_000);
  return day.toISOString().slice(0, 10);
};

const listBuiltIn = (): SavedView[] =>
  [
    { name: 'All', query: '' },
    { name: 'Failed since yesterday', query: `status=FAILED&submitted_after=${yesterday()}` },
    { name: 'Running', query: 'status=IN_PROGRESS' },
    { name: 'Waiting', query: 'status=PENDING' },
    { name: 'Scheduled', query: 'status=NEW' },
  ].map((view) => ({ ...view, isBuiltIn: true }));

const read = (): SavedView[] => {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? '[]') as SavedView[];
    return stored.filter(
      ({ name, query }) => typeof name === 'string' && typeof query === 'string',
    );
  } catch {
    return [];
  }
};

const saved = signal<SavedView[]>(read());
const store = (views: SavedView[]): void => {
  saved.value = views;
  localStorage.setItem(STORED, JSON.stringify(views));
};

const WIDE = 'tasker-wide';
/** Whether pages use the whole width of the screen. */
export const isWide = signal(localStorage.getItem(WIDE) === '1');
export const toggleWide = (): void => {
  isWide.value = !isWide.value;
  if (isWide.value) localStorage.setItem(WIDE, '1');
  else localStorage.removeItem(WIDE);
};

/** All views: those that everybody has, and those that were saved in this browser. */
export const listViews = (): SavedView[] => [...listBuiltIn(), ...saved.value];

export const saveView = (name: string, query: string): void =>
  store([...saved.value.filter((view) => view.name !== name), { name, query, isBuiltIn: false }]);

export const dropView = (name: string): void =>
  store(saved.value.filter((view) => view.name !== name));

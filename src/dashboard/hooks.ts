import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { onTaskUpdates, type TaskUpdate } from './live.ts';
import { toast } from './components/toast.tsx';

/** The data of a page, and how to read it again. */
export interface Loaded<Data> {
  data: Data | null;
  error: Error | null;
  /** When the data was read, ms. */
  readAt: number;
  reload(): void;
}

/**
 * Reads when the page comes and whenever `key` changes; an answer that was overtaken is dropped.
 */
export const useQuery = <Data>(key: string, read: () => Promise<Data>): Loaded<Data> => {
  const [state, setState] = useState<Omit<Loaded<Data>, 'reload'>>({
    data: null,
    error: null,
    readAt: 0,
  });
  const latest = useRef(0);
  const load = (): void => {
    const revision = (latest.current += 1);
    read().then(
      (data) => revision === latest.current && setState({ data, error: null, readAt: Date.now() }),
      (error: unknown) =>
        revision === latest.current && setState((before) => ({ ...before, error: error as Error })),
    );
  };
  useEffect(load, [key]);
  return { ...state, reload: load };
};

/** Calls with news of tasks, for as long as the page is there. */
export const useTaskUpdates = (listener: (tasks: readonly TaskUpdate[]) => void): void => {
  const current = useRef(listener);
  current.current = listener;
  useEffect(() => onTaskUpdates((tasks) => current.current(tasks)), []);
};

/**
 * Reads figures again soon after something happened: at once, then once in `pauseMs`, and a last
 * time at the end.
 */
export const useThrottledReload = (reload: () => void, pauseMs: number): void => {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const lastAt = useRef(0);
  useTaskUpdates(() => {
    if (timer.current !== undefined) return;
    const due = Math.max(50, lastAt.current + pauseMs - Date.now());
    timer.current = setTimeout(() => {
      timer.current = undefined;
      lastAt.current = Date.now();
      reload();
    }, due);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
};

const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1_000);

/** The time, once a second, for ages that grow: one timer for all of them. */
export const useNow = (): number => now.value;

/**
 * Runs an action, says what became of it, and keeps its button from being pressed twice meanwhile.
 */
export const useAction = (): [boolean, (work: () => Promise<string | undefined>) => void] => {
  const [isBusy, setBusy] = useState(false);
  const run = (work: () => Promise<string | undefined>): void => {
    setBusy(true);
    work()
      .then((done) => done !== undefined && toast(done))
      .catch((error: Error) => toast(error.message, 'error'))
      .finally(() => setBusy(false));
  };
  return [isBusy, run];
};

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('input, textarea, select, dialog') !== null;

/** The keys of a list: j and k move, Enter opens, x selects, v looks beside. */
export const useListKeys = (
  ids: readonly string[],
  actions: Record<'open' | 'select' | 'preview', (id: string) => void>,
): [string | null, (id: string | null) => void] => {
  const [focused, setFocused] = useState<string | null>(null);
  const latest = useRef({ ids, actions, focused });
  latest.current = { ids, actions, focused };
  useEffect(() => {
    const onKeyDown = ({ key, target, metaKey, ctrlKey, altKey }: KeyboardEvent): void => {
      if (metaKey || ctrlKey || altKey || isTyping(target)) return;
      const state = latest.current;
      const at = state.focused === null ? -1 : state.ids.indexOf(state.focused);
      if (key === 'j' || key === 'k') {
        const next =
          state.ids[Math.max(0, Math.min(state.ids.length - 1, at + (key === 'j' ? 1 : -1)))];
        setFocused(next ?? null);
        document.querySelector(`[data-task="${next ?? ''}"]`)?.scrollIntoView({ block: 'nearest' });
      }
      if (state.focused === null) return;
      if (key === 'Enter' && !(target instanceof HTMLButtonElement))
        state.actions.open(state.focused);
      if (key === 'x') state.actions.select(state.focused);
      if (key === 'v') state.actions.preview(state.focused);
      if (key === 'Escape') setFocused(null);
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);
  return [focused, setFocused];
};

const scrolled = new Map<string, number>();

/** Puts a page back to where it was scrolled when the reader comes back to it. */
export const useScrollMemory = (isReady: boolean): void => {
  const address = location.hash;
  const isRestored = useRef(false);
  useEffect(() => {
    if (!isReady || isRestored.current) return;
    isRestored.current = true;
    scrollTo({ top: scrolled.get(address) ?? 0 });
  }, [isReady]);
  useEffect(() => {
    const onScroll = (): void => void scrolled.set(location.hash, scrollY);
    addEventListener('scroll', onScroll, { passive: true });
    return () => removeEventListener('scroll', onScroll);
  }, []);
};

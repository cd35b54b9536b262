import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { onTaskUpdates, type TaskUpdate } from './live.ts';
import { toast } from './components/toast.tsx';

/** The data of a page, and how to read it again. */
export interface Loaded<Data> {
  data: Data | null;
  error: Error | null;
  reload(): void;
}

/**
 * Reads when the page comes and whenever `key` changes; an answer that was overtaken is dropped.
 */
export const useQuery = <Data>(key: string, read: () => Promise<Data>): Loaded<Data> => {
  const [state, setState] = useState<{ data: Data | null; error: Error | null }>({
    data: null,
    error: null,
  });
  const latest = useRef(0);
  const load = (): void => {
    const revision = (latest.current += 1);
    read().then(
      (data) => revision === latest.current && setState({ data, error: null }),
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

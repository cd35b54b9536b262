import { signal } from '@preact/signals';

interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error';
}

const toasts = signal<Toast[]>([]);
let nextId = 1;
const SHOWN_MS = { info: 4_000, error: 9_000 };

const drop = (id: number): void => {
  toasts.value = toasts.value.filter((each) => each.id !== id);
};

/** Says something in passing; errors stay longer. */
export const toast = (text: string, kind: Toast['kind'] = 'info'): void => {
  const id = nextId++;
  toasts.value = [...toasts.value.slice(-3), { id, text, kind }];
  setTimeout(() => drop(id), SHOWN_MS[kind]);
};

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {toasts.value.map(({ id, text, kind }) => (
      <div key={id} class={`toast ${kind}`}>
        <span>{text}</span>
        <button class="plain" aria-label="Dismiss" onClick={() => drop(id)}>
          ×
        </button>
      </div>
    ))}
  </div>
);

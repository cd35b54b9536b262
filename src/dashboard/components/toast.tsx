import { signal } from '@preact/signals';

interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error';
  /** Where to see more. */
  href?: string | undefined;
}

const toasts = signal<Toast[]>([]);
let nextId = 1;
const SHOWN_MS = { info: 4_000, error: 9_000 };

const drop = (id: number): void => {
  toasts.value = toasts.value.filter((each) => each.id !== id);
};

/** Says something in passing; errors stay longer. */
export const toast = (text: string, kind: Toast['kind'] = 'info', href?: string): void => {
  const id = nextId++;
  toasts.value = [...toasts.value.slice(-3), { id, text, kind, href }];
  setTimeout(() => drop(id), SHOWN_MS[kind]);
};

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {toasts.value.map(({ id, text, kind, href }) => (
      <div key={id} class={`toast ${kind}`}>
        <span>
          {text} {href !== undefined && <a href={href}>Details</a>}
        </span>
        <button class="plain" aria-label="Dismiss" onClick={() => drop(id)}>
          ×
        </button>
      </div>
    ))}
  </div>
);

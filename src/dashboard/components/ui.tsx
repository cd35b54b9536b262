import type { Status } from '../../domain/words.ts';
import type { ComponentChildren } from 'preact';
import { formatAge, formatClock, toWords } from '../format.ts';
import { useNow } from '../hooks.ts';

export const StatusBadge = ({ status }: { status: Status }) => (
  <span class={`badge ${status.toLowerCase()}`}>{toWords(status)}</span>
);

/** A moment, as how long ago; the moment itself on hover. */
export const Age = ({ at }: { at: string | null }) => {
  const now = useNow();
  if (at === null) return <span class="muted">–</span>;
  return (
    <time dateTime={at} title={formatClock(at)}>
      {formatAge(at, now)}
    </time>
  );
};

export const ProgressBar = ({ fraction, label }: { fraction: number; label: string }) => (
  <div class="progress">
    <progress max={1} value={fraction} aria-label={label} />
    <span>{label}</span>
  </div>
);

export const Card = ({
  title,
  more,
  children,
}: {
  title: string;
  more?: ComponentChildren;
  children: ComponentChildren;
}) => (
  <section class="card">
    <header>
      <h2>{title}</h2>
      {more}
    </header>
    {children}
  </section>
);

export const ErrorNote = ({ error, retry }: { error: Error; retry?: () => void }) => (
  <div class="note error" role="alert">
    <span>{error.message}</span>
    {retry && (
      <button class="small" onClick={retry}>
        Try again
      </button>
    )}
  </div>
);

export const Empty = ({ children }: { children: ComponentChildren }) => (
  <p class="empty">{children}</p>
);

/** A page's name, and what can be done on it. */
export const PageHead = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="pagehead">
    <h1>{title}</h1>
    <div class="row">{children}</div>
  </div>
);

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { toShortId } from '../../domain/identifiers.ts';
import type { Status } from '../../domain/words.ts';
import { ApiError } from '../api.ts';
import { formatAge, formatClock, formatDuration, toWords } from '../format.ts';
import { useNow } from '../hooks.ts';
import { toHref } from '../router.ts';
import { toast } from './toast.tsx';

/** A task that waits for its time is called so. */
export const StatusBadge = ({ status, isScheduled }: { status: Status; isScheduled?: boolean }) => (
  <span class={`badge ${status.toLowerCase()}`}>
    {status === 'NEW' && isScheduled !== false ? 'scheduled' : toWords(status)}
  </span>
);

/** Whether times are shown as they are, and not as how long ago: for all of them, by a tap. */
const isAbsolute = signal(false);
export const toggleTimes = (): void => void (isAbsolute.value = !isAbsolute.value);

/** A moment, as how long ago; the moment itself on hover, and for all by a tap. */
export const Age = ({ at }: { at: string | null }) => {
  const now = useNow();
  if (at === null) return <span class="muted">–</span>;
  return (
    <time
      dateTime={at}
      title={formatClock(at)}
      onClick={(event) => {
        event.stopPropagation();
        toggleTimes();
      }}
    >
      {isAbsolute.value ? formatClock(at) : formatAge(at, now)}
    </time>
  );
};

export const copyText = async (text: string): Promise<void> => {
  await navigator.clipboard.writeText(text).then(
    () => toast('Copied'),
    () => toast('The browser does not allow to copy', 'error'),
  );
};

export const CopyButton = ({ text, label = 'Copy' }: { text: string; label?: string }) => (
  <button type="button" class="small" onClick={() => void copyText(text)}>
    {label}
  </button>
);

/** A task's id, short; a search finds it in this form too. */
export const ShortId = ({ id }: { id: string }) => <code title={id}>{toShortId(id)}</code>;

export const TaskLink = ({ id }: { id: string }) => (
  <a href={toHref(`/tasks/${id}`)}>
    <ShortId id={id} />
  </a>
);

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

/** What went wrong; where the service is silent, since when, and of when is what is shown. */
export const ErrorNote = ({
  error,
  readAt = 0,
  retry,
}: {
  error: Error;
  readAt?: number;
  retry?: () => void;
}) => {
  const now = useNow();
  const isSilent = error instanceof ApiError && error.status === 0;
  return (
    <div class="note error" role="alert">
      <span>
        {isSilent && readAt > 0
          ? `No answer for ${formatDuration(Math.round((now - readAt) / 1_000))}: this is as of ${new Date(readAt).toLocaleTimeString()}`
          : error.message}
      </span>
      {retry && (
        <button class="small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
};

export const Empty = ({ children }: { children: ComponentChildren }) => (
  <p class="empty">{children}</p>
);

/** Lines in the place of what is still to come. */
export const Skeleton = ({ rows = 4 }: { rows?: number }) => (
  <div class="skeleton" role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, i) => (
      <span key={i} />
    ))}
  </div>
);

/** What stands before the page's name in the tab, such as how far a task is. */
export const titlePrefix = signal('');

/** A page's name, and what can be done on it. */
export const PageHead = ({ title, children }: { title: string; children?: ComponentChildren }) => {
  useEffect(() => {
    document.title = `${titlePrefix.value}${title} · Tasker`;
  }, [title, titlePrefix.value]);
  return (
    <div class="pagehead">
      <h1>{title}</h1>
      <div class="row">{children}</div>
    </div>
  );
};

/** One of a few, each with a name. */
export const Segmented = <Value extends string>({
  label,
  values,
  value,
  onChange,
}: {
  label: string;
  values: Record<Value, string>;
  value: Value;
  onChange(value: Value): void;
}) => (
  <div class="segmented" role="group" aria-label={label}>
    {(Object.entries(values) as [Value, string][]).map(([each, name]) => (
      <button key={each} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
        {name}
      </button>
    ))}
  </div>
);

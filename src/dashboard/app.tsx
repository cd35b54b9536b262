import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { apiKey, storeKey, wantsKey } from './api.ts';
import { connection, isPaused, missedCount, startLive, togglePause } from './live.ts';
import { formatNumber } from './format.ts';
import { toHref, route } from './router.ts';
import { RunningActions } from './components/bulk.tsx';
import { ConfirmDialog } from './components/confirm.tsx';
import { NewKey } from './components/new-key.tsx';
import { Toasts } from './components/toast.tsx';
import { AuditPage } from './pages/audit.tsx';
import { ErrorsPage } from './pages/errors.tsx';
import { KeysPage } from './pages/keys.tsx';
import { NewTaskPage } from './pages/new-task.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { QueuesPage } from './pages/queues.tsx';
import { TaskPage } from './pages/task.tsx';
import { TasksPage } from './pages/tasks.tsx';
import { TypesPage } from './pages/types.tsx';

const PAGES: { path: string; name: string; Page: ComponentType }[] = [
  { path: '/', name: 'Overview', Page: OverviewPage },
  { path: '/tasks', name: 'Tasks', Page: TasksPage },
  { path: '/new', name: 'New task', Page: NewTaskPage },
  { path: '/types', name: 'Types', Page: TypesPage },
  { path: '/queues', name: 'Queues', Page: QueuesPage },
  { path: '/errors', name: 'Errors', Page: ErrorsPage },
  { path: '/keys', name: 'Keys', Page: KeysPage },
  { path: '/audit', name: 'Audit', Page: AuditPage },
];

const STATES = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Connection lost',
  paused: 'Paused',
};

/** Whether what is shown is what is; and a switch that holds it still. */
const Connection = () => {
  const state = isPaused.value ? 'paused' : connection.value;
  return (
    <div class="connection">
      <span class={`dot ${state}`} aria-hidden="true" />
      <span role="status">
        {STATES[state]}
        {missedCount.value > 0 && `, ${formatNumber(missedCount.value)} changes held`}
      </span>
      <button class="small" aria-pressed={isPaused.value} onClick={togglePause}>
        {isPaused.value ? 'Resume' : 'Pause'}
      </button>
    </div>
  );
};

const KeyForm = () => {
  const [key, setKey] = useState('');
  return (
    <form
      class="card keyform"
      onSubmit={(event) => {
        event.preventDefault();
        storeKey(key.trim());
      }}
    >
      <h2>Enter an API key</h2>
      <p>{wantsKey.value}</p>
      <NewKey />
      <div class="field">
        <label for="key">API key</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          required
          value={key}
          placeholder="tk_…"
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <span class="hint">
          It is kept in this tab alone, and forgotten when you close it. Create one with: npm run
          keys -- create
        </span>
      </div>
      <div class="row end">
        <button class="primary">Sign in</button>
      </div>
    </form>
  );
};

const Page = () => {
  const { path } = route.value;
  if (wantsKey.value !== null) return <KeyForm />;
  // With another key everything is read anew.
  const visit = `${path} ${apiKey.value ?? ''}`;
  if (/^\/tasks\/[\w-]+$/.test(path))
    return <TaskPage key={visit} id={path.slice('/tasks/'.length)} />;
  const found = PAGES.find((each) => each.path === path);
  return found ? (
    <found.Page key={visit} />
  ) : (
    <p class="empty">
      There is no such page. <a href="#/">Overview</a>
    </p>
  );
};

export const App = () => {
  useEffect(startLive, []);
  const section = `/${route.value.path.split('/')[1] ?? ''}`;
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => (event.preventDefault(), document.getElementById('main')?.focus())}
      >
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="#/">
          Tasker
        </a>
        <nav aria-label="Pages">
          {PAGES.map(({ path, name }) => (
            <a key={path} href={toHref(path)} aria-current={section === path ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <Connection />
        {apiKey.value !== null && (
          <button class="small" onClick={() => storeKey(null)}>
            Sign out
          </button>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        <RunningActions />
        <Page />
      </main>
      <ConfirmDialog />
      <Toasts />
    </>
  );
};

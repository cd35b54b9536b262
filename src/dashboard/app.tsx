import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { apiKey, identity, loadIdentity, signIn, signOut, wantsKey } from './api.ts';
import { connection, isPaused, missedCount, startLive, togglePause } from './live.ts';
import { formatNumber } from './format.ts';
import { PAGES } from './pages.ts';
import { toHref, route } from './router.ts';
import { isWide } from './views.ts';
import { RunningActions } from './components/bulk.tsx';
import { ConfirmDialog } from './components/confirm.tsx';
import { HealthNotes } from './components/health-notes.tsx';
import { NewKey } from './components/new-key.tsx';
import { isPaletteOpen, Palette, ShortcutHelp, startShortcuts } from './components/palette.tsx';
import { SearchBox } from './components/search-box.tsx';
import { Toasts } from './components/toast.tsx';
import { Skeleton } from './components/ui.tsx';
import { AuditPage } from './pages/audit.tsx';
import { ErrorsPage } from './pages/errors.tsx';
import { FilesPage } from './pages/files.tsx';
import { lazy } from './components/lazy.tsx';
import { LimitPage } from './pages/limit.tsx';
import { LimitsPage } from './pages/limits.tsx';
import { NewTaskPage } from './pages/new-task.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { QueuePage } from './pages/queue.tsx';
import { QueuesPage } from './pages/queues.tsx';
import { SchedulePage } from './pages/schedule.tsx';
import { SchedulesPage } from './pages/schedules.tsx';
import { TaskPage } from './pages/task.tsx';
import { TasksPage } from './pages/tasks.tsx';
import { TypePage } from './pages/type.tsx';
import { TypesPage } from './pages/types.tsx';

// Not with the first page: their code is loaded once they are visited.
const FlowsPage = lazy(async () => (await import('./pages/flows.tsx')).FlowsPage);
const FlowPage = lazy(async () => (await import('./pages/flow.tsx')).FlowPage);
const KeysPage = lazy(async () => (await import('./pages/keys.tsx')).KeysPage);
const ShardsPage = lazy(async () => (await import('./pages/shards.tsx')).ShardsPage);
const NewSchedulePage = lazy(
  async () => (await import('./pages/new-schedule.tsx')).NewSchedulePage,
);
const RegisterTypePage = lazy(
  async () => (await import('./pages/register-type.tsx')).RegisterTypePage,
);

const LISTS: Record<string, ComponentType> = {
  '/': OverviewPage,
  '/tasks': TasksPage,
  '/new': NewTaskPage,
  '/schedules': SchedulesPage,
  '/new-schedule': NewSchedulePage,
  '/types': TypesPage,
  '/register': RegisterTypePage,
  '/queues': QueuesPage,
  '/limits': LimitsPage,
  '/files': FilesPage,
  '/flows': FlowsPage,
  '/errors': ErrorsPage,
  '/keys': KeysPage,
  '/databases': ShardsPage,
  '/audit': AuditPage,
};
/** Pages of one thing, by what stands before its name. */
const DETAILS: Record<string, ComponentType<{ id: string }>> = {
  tasks: TaskPage,
  schedules: SchedulePage,
  flows: FlowPage,
  types: TypePage,
  queues: QueuePage,
  limits: LimitPage,
};

const STATES = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Connection lost',
  paused: 'Updates paused',
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
        {isPaused.value ? 'Resume updates' : 'Pause updates'}
      </button>
    </div>
  );
};

const KeyForm = () => {
  const [key, setKey] = useState('');
  const [isThisTabOnly, setThisTabOnly] = useState(false);
  return (
    <form
      class="card keyform"
      onSubmit={(event) => {
        event.preventDefault();
        void signIn(key.trim(), isThisTabOnly);
      }}
    >
      <h1>Enter an API key</h1>
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
          An operator makes one: <code>npm run keys -- create</code>
        </span>
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={isThisTabOnly}
          onChange={(event) => setThisTabOnly(event.currentTarget.checked)}
        />{' '}
        This tab only
      </label>
      <p class="hint">
        {isThisTabOnly
          ? 'The key stays in this tab, and is forgotten when you close it.'
          : 'All tabs of this browser are signed in, for 12 hours at most. The key itself is not kept.'}
      </p>
      <div class="row end">
        <button class="primary">Sign in</button>
      </div>
    </form>
  );
};

const Page = () => {
  const { path } = route.value;
  if (wantsKey.value !== null) return <KeyForm />;
  if (identity.value === null) return <Skeleton rows={6} />;
  // With another key everything is read anew.
  const visit = `${path} ${identity.value.key_id ?? ''}`;
  const [, section = '', id] = path.split('/');
  const Detail = id === undefined ? undefined : DETAILS[section];
  if (Detail && id !== undefined && /^[\w.-]+$/.test(id)) return <Detail key={visit} id={id} />;
  const List = LISTS[path];
  return List ? (
    <List key={visit} />
  ) : (
    <p class="empty">
      There is no such page. <a href="#/">Overview</a>
    </p>
  );
};

const Menu = ({ onLeave }: { onLeave(): void }) => {
  const section = `/${route.value.path.split('/')[1] ?? ''}`;
  const groups = [...new Set(PAGES.map(({ group }) => group))];
  return (
    <nav aria-label="Pages">
      {groups.map((group) => (
        <div key={group} class="group-of-pages" role="group" aria-label={group}>
          {PAGES.filter((page) => page.group === group).map(({ path, name }) => (
            <a
              key={path}
              href={toHref(path)}
              aria-current={section === path ? 'page' : undefined}
              onClick={onLeave}
            >
              {name}
            </a>
          ))}
        </div>
      ))}
      <div class="group-of-pages" role="group" aria-label="Documents">
        <a href="/docs">API</a>
        <a href="/redoc">Reference</a>
      </div>
    </nav>
  );
};

/** The icon of the tab tells whether the page is live. */
const useFavicon = (): void => {
  const isLive = connection.value === 'live' && !isPaused.value;
  useEffect(() => {
    const color = isLive ? '%234f5bd5' : '%239aa5b1';
    const icon = `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='4' fill='${color}'/><path d='M4 8.5l2.7 2.7L12 5.5' stroke='white' stroke-width='2' fill='none'/></svg>`;
    document.querySelector('link[rel=icon]')?.setAttribute('href', icon);
  }, [isLive]);
};

const Who = () =>
  identity.value && identity.value.key_id !== null ? (
    <div class="who">
      <span class="muted" title={identity.value.scopes.join(', ')}>
        {identity.value.owner}
      </span>
      <button class="small" onClick={() => void signOut()}>
        Sign out
      </button>
    </div>
  ) : null;

export const App = () => {
  const [isMenuOpen, setMenuOpen] = useState(false);
  useEffect(() => {
    startLive();
    startShortcuts();
  }, []);
  useEffect(() => void loadIdentity(), [apiKey.value]);
  useFavicon();
  return (
    <div class={`shell ${isMenuOpen ? 'menu-open' : ''} ${isWide.value ? 'full-width' : ''}`}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => (event.preventDefault(), document.getElementById('main')?.focus())}
      >
        Skip to content
      </a>
      <header class="top">
        <button
          class="menu-button"
          aria-label="Menu"
          aria-expanded={isMenuOpen}
          onClick={() => setMenuOpen(!isMenuOpen)}
        >
          ☰
        </button>
        <a class="brand" href="#/">
          Tasker
        </a>
        <SearchBox />
        <button
          class="small commands"
          aria-label="Commands ⌘K"
          onClick={() => (isPaletteOpen.value = true)}
        >
          <kbd>⌘K</kbd>
        </button>
        <Connection />
        <Who />
      </header>
      <Menu onLeave={() => setMenuOpen(false)} />
      <main id="main" tabIndex={-1}>
        {wantsKey.value === null && identity.value && <HealthNotes />}
        <RunningActions />
        <Page />
      </main>
      <ConfirmDialog />
      <Palette />
      <ShortcutHelp />
      <Toasts />
    </div>
  );
};

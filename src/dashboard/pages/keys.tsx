import { useState } from 'preact/hooks';
import type * as z from 'zod';
import type { keyListSchema, madeKeySchema } from '../../http/routes/key-schema.ts';
import { SCOPES } from '../../domain/api-key.ts';
import { api, ApiError, get, identity, newKey, post, signIn } from '../api.ts';
import { Age, Card, Empty, ErrorNote, PageHead } from '../components/ui.tsx';
import { replaceQuery, route } from '../router.ts';
import { NewKey } from '../components/new-key.tsx';
import { confirm } from '../components/confirm.tsx';
import { useAction, useQuery } from '../hooks.ts';

type Key = z.output<typeof keyListSchema>['keys'][number];

type MadeKey = z.output<typeof madeKeySchema>;

/**
 * The first key closes the service to callers without one, this page included: it is an admin's, of
 * the owner whose tasks are here, and the page signs in with it.
 */
const CreateFirst = () => {
  const [isBusy, act] = useAction();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const name = new FormData(event.currentTarget as HTMLFormElement).get('name');
    act(async () => {
      const { key } = await post<MadeKey>('/keys', { name, scopes: ['admin', 'operator'] });
      newKey.value = key;
      await signIn(key);
      return 'You are signed in with the new key';
    });
  };
  return (
    <form class="fields" onSubmit={submit}>
      <p class="muted">
        Until now this machine needs no key. From the first key on every program needs one: this key
        may do everything, for the owner <code>local</code>, whose tasks are here, and for all
        others. This page signs in with it.
      </p>
      <div class="field">
        <label for="name">Name *</label>
        <input id="name" name="name" required maxLength={100} value="operator" />
        <span class="hint">To tell it apart</span>
      </div>
      <div class="row end">
        <button class="primary" disabled={isBusy}>
          Create a key
        </button>
      </div>
    </form>
  );
};

const readText = (form: FormData, name: string): string => {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
};
const splitWords = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** What each scope lets a key do. */
const MAY: Record<(typeof SCOPES)[number], string> = {
  'tasks:read': 'read tasks, files, streams and figures',
  'tasks:write': 'submit, command, edit and delete them',
  'types:write': 'register types of your own',
  'schedules:write': 'create schedules, which submit tasks, and run them',
  'limits:write': 'change limits, and pause them',
  work: 'run them: lease and end tasks, nothing else',
  'metrics:read': 'read /metrics',
  admin: 'all of this owner: its keys too',
  operator: 'what concerns all owners: queues, every key',
};

const Create = ({ onCreated }: { onCreated(): void }) => {
  const [scopes, setScopes] = useState<string[]>(['tasks:read', 'tasks:write']);
  const [isBusy, act] = useAction();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [days, writes] = [Number(form.get('days')), Number(form.get('writes'))];
    const [owner, types] = [readText(form, 'owner'), splitWords(readText(form, 'types'))];
    act(async () => {
      const body = {
        name: form.get('name'),
        scopes,
        ...(owner !== '' && { owner }),
        ...(days > 0 && { expires_in_days: days }),
        ...(types.length > 0 && { task_types: types }),
        ...(writes > 0 && { writes_per_minute: writes }),
      };
      newKey.value = (await post<MadeKey>('/keys', body)).key;
      onCreated();
      return undefined;
    });
  };
  const toggle = (scope: string, isOn: boolean): void =>
    setScopes(isOn ? [...scopes, scope] : scopes.filter((each) => each !== scope));
  return (
    <form class="fields" onSubmit={submit}>
      <div class="field">
        <label for="name">Name *</label>
        <input id="name" name="name" required maxLength={100} />
        <span class="hint">To tell it apart</span>
      </div>
      <div class="field">
        <label for="owner">Owner</label>
        <input id="owner" name="owner" maxLength={100} />
        <span class="hint">The tenant whose tasks it reaches. Empty: your own</span>
      </div>
      <div class="field">
        <label for="days">Expires in days</label>
        <input id="days" name="days" type="number" min={0} max={3650} />
        <span class="hint">Empty: never</span>
      </div>
      <div class="field">
        <label for="types">Task types</label>
        <input id="types" name="types" placeholder="sum, weather" />
        <span class="hint">Those that it may run, separated by commas. Empty: any</span>
      </div>
      <div class="field">
        <label for="writes">Writes a minute</label>
        <input id="writes" name="writes" type="number" min={0} max={6000} />
        <span class="hint">Empty: 6000, as every key</span>
      </div>
      <fieldset class="field">
        <legend>Scopes</legend>
        {SCOPES.map((scope) => (
          <label class="check" key={scope}>
            <input
              type="checkbox"
              checked={scopes.includes(scope)}
              onChange={(event) => toggle(scope, event.currentTarget.checked)}
            />{' '}
            <span>
              {scope} <span class="hint">{MAY[scope]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="row end">
        <button class="primary" disabled={isBusy || scopes.length === 0}>
          Create a key
        </button>
      </div>
    </form>
  );
};

/** It was revoked, or has expired. */
const isEnded = ({ revoked_at, expires_at }: Key): boolean =>
  revoked_at !== null || (expires_at !== null && Date.parse(expires_at) < Date.now());

/** Offers to pause what goes on by itself when its key is gone. */
const asksToPause = async (id: string): Promise<boolean> => {
  const { schedules, types } = await get<Record<'schedules' | 'types', string[]>>(
    `/keys/${id}/planted`,
  );
  const planted = [
    ...schedules.map((name) => `the schedule ${name}`),
    ...types.map((name) => `the type ${name}`),
  ];
  if (planted.length === 0) return false;
  const more = planted.length > 5 ? ` and ${planted.length - 5} more` : '';
  return confirm(
    `It has written ${planted.slice(0, 5).join(', ')}${more}. Pause that, too?`,
    'Pause',
  );
};

const KeyRow = ({ item, reload }: { item: Key; reload(): void }) => {
  const [isBusy, act] = useAction();
  const isOver = isEnded(item);
  const isOwn = identity.value?.key_id === item.id;
  const rotate = (): void =>
    act(async () => {
      const question = `Make a new key in the place of "${item.name}"? The old one ends in a day.`;
      if (!(await confirm(question, 'Rotate'))) return undefined;
      const made = await post<MadeKey>('/keys', { replaces: item.id, grace_seconds: 86_400 });
      newKey.value = made.key;
      reload();
      return undefined;
    });
  const revoke = (): void =>
    act(async () => {
      if (
        !(await confirm(
          `Revoke "${item.name}" of ${item.owner}? Programs that use it lose access.`,
          'Revoke',
        ))
      )
        return undefined;
      const pauses = await asksToPause(item.id);
      await api('DELETE', `/keys/${item.id}${pauses ? '?pause_planted=true' : ''}`);
      reload();
      return 'Revoked';
    });
  return (
    <tr class={isOver ? 'over' : ''}>
      <th scope="row">
        {item.name}
        {isOwn && <span class="chip">signed in</span>}
      </th>
      <td data-label="Owner">{item.owner}</td>
      <td data-label="Prefix">
        <code>{item.prefix}…</code>
      </td>
      <td data-label="Scopes">
        {item.scopes.join(', ')}
        {item.task_types && <div class="muted">only {item.task_types.join(', ')}</div>}
        {item.writes_per_minute !== null && (
          <div class="muted">{item.writes_per_minute} writes a minute</div>
        )}
      </td>
      <td data-label="Created">
        <Age at={item.created_at} />
      </td>
      <td data-label="Last used">
        <Age at={item.last_used_at} />
      </td>
      <td data-label="Expires">
        {item.revoked_at !== null ? 'revoked' : <Age at={item.expires_at} />}
      </td>
      <td class="num">
        {!isOver && (
          <div class="row end">
            <button class="small" disabled={isBusy} onClick={rotate}>
              Rotate
            </button>
            <button class="small danger" disabled={isBusy} onClick={revoke}>
              Revoke
            </button>
          </div>
        )}
      </td>
    </tr>
  );
};

const KeyTable = ({ keys, reload }: { keys: readonly Key[]; reload(): void }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label="API keys">
    <table class="stacked">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Owner</th>
          <th scope="col">Prefix</th>
          <th scope="col">Scopes</th>
          <th scope="col">Created</th>
          <th scope="col">Last used</th>
          <th scope="col">Expires</th>
          <th scope="col">
            <span class="hidden">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((item) => (
          <KeyRow key={item.id} item={item} reload={reload} />
        ))}
      </tbody>
    </table>
  </div>
);

/** API keys, for admins. */
export const KeysPage = () => {
  const { data, error, reload } = useQuery('keys', () => get<{ keys: Key[] }>('/keys'));
  if (error instanceof ApiError && error.status === 403)
    return <Empty>API keys are for keys with the scope "admin".</Empty>;
  const owners = [...new Set(data?.keys.map((key) => key.owner))].toSorted();
  const owner = route.value.query.get('owner') ?? '';
  const shown = data?.keys.filter((key) => owner === '' || key.owner === owner) ?? [];
  const ended = shown.filter(isEnded);
  const good = shown.filter((key) => !isEnded(key));
  return (
    <>
      <PageHead title="Keys">
        {owners.length > 1 && (
          <select
            aria-label="Keys of"
            value={owner}
            onChange={({ currentTarget: { value } }) =>
              replaceQuery(new URLSearchParams(value === '' ? {} : { owner: value }))
            }
          >
            <option value="">all owners</option>
            {owners.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        )}
      </PageHead>
      {error && <ErrorNote error={error} retry={reload} />}
      <Card title="API keys">
        {data?.keys.length === 0 && (
          <Empty>There is no key: the service is open to this machine alone.</Empty>
        )}
        {good.length > 0 && <KeyTable keys={good} reload={reload} />}
        {ended.length > 0 && (
          <details open={good.length === 0}>
            <summary>{ended.length} revoked or expired</summary>
            <KeyTable keys={ended} reload={reload} />
          </details>
        )}
      </Card>
      <NewKey />
      {data && (
        <Card title="Create a key">
          {data.keys.length === 0 ? <CreateFirst /> : <Create onCreated={reload} />}
        </Card>
      )}
    </>
  );
};

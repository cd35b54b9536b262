import { useState } from 'preact/hooks';
import type * as z from 'zod';
import type { keyListSchema, madeKeySchema } from '../../http/routes/keys.ts';
import { SCOPES } from '../../domain/api-key.ts';
import { api, ApiError, get, newKey, post } from '../api.ts';
import { Age, Card, Empty, ErrorNote, PageHead } from '../components/ui.tsx';
import { NewKey } from '../components/new-key.tsx';
import { confirm } from '../components/confirm.tsx';
import { useAction, useQuery } from '../hooks.ts';

type Key = z.output<typeof keyListSchema>['keys'][number];

const Create = ({ onCreated }: { onCreated(): void }) => {
  const [scopes, setScopes] = useState<string[]>(['tasks:read', 'tasks:write']);
  const [isBusy, act] = useAction();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const days = Number(form.get('days'));
    act(async () => {
      const body = {
        owner: form.get('owner'),
        name: form.get('name'),
        scopes,
        ...(days > 0 && { expires_in_days: days }),
      };
      newKey.value = (await post<z.output<typeof madeKeySchema>>('/keys', body)).key;
      onCreated();
      return undefined;
    });
  };
  const toggle = (scope: string, isOn: boolean): void =>
    setScopes(isOn ? [...scopes, scope] : scopes.filter((each) => each !== scope));
  return (
    <form class="fields" onSubmit={submit}>
      <div class="field">
        <label for="owner">Owner *</label>
        <input id="owner" name="owner" required maxLength={100} />
        <span class="hint">The tenant whose tasks it reaches</span>
      </div>
      <div class="field">
        <label for="name">Name *</label>
        <input id="name" name="name" required maxLength={100} />
        <span class="hint">To tell it apart</span>
      </div>
      <div class="field">
        <label for="days">Expires in days</label>
        <input id="days" name="days" type="number" min={0} max={3650} />
        <span class="hint">Empty: never</span>
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
            {scope}
          </label>
        ))}
      </fieldset>
      <div class="row end">
        <button class="primary" disabled={isBusy || scopes.length === 0}>
          Create a key
        </button>
      </div>
      <NewKey />
    </form>
  );
};

const KeyRow = ({ item, reload }: { item: Key; reload(): void }) => {
  const [isBusy, act] = useAction();
  const isOver =
    item.revoked_at !== null ||
    (item.expires_at !== null && Date.parse(item.expires_at) < Date.now());
  const revoke = (): void =>
    act(async () => {
      if (
        !(await confirm(
          `Revoke "${item.name}" of ${item.owner}? Programs that use it lose access.`,
          'Revoke',
        ))
      )
        return undefined;
      await api('DELETE', `/keys/${item.id}`);
      reload();
      return 'Revoked';
    });
  return (
    <tr class={isOver ? 'over' : ''}>
      <th scope="row">{item.name}</th>
      <td>{item.owner}</td>
      <td>
        <code>{item.prefix}…</code>
      </td>
      <td>{item.scopes.join(', ')}</td>
      <td>
        <Age at={item.created_at} />
      </td>
      <td>{item.revoked_at !== null ? 'revoked' : <Age at={item.expires_at} />}</td>
      <td class="num">
        {!isOver && (
          <button class="small danger" disabled={isBusy} onClick={revoke}>
            Revoke
          </button>
        )}
      </td>
    </tr>
  );
};

/** API keys, for admins. */
export const KeysPage = () => {
  const { data, error, reload } = useQuery('keys', () => get<{ keys: Key[] }>('/keys'));
  if (error instanceof ApiError && error.status === 403)
    return <Empty>API keys are for keys with the scope "admin".</Empty>;
  return (
    <>
      <PageHead title="Keys" />
      {error && <ErrorNote error={error} retry={reload} />}
      <Card title="API keys">
        {data?.keys.length === 0 && (
          <Empty>There is no key: the service is open to this machine alone.</Empty>
        )}
        {data && data.keys.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="API keys">
            <table>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Owner</th>
                  <th scope="col">Prefix</th>
                  <th scope="col">Scopes</th>
                  <th scope="col">Created</th>
                  <th scope="col">Expires</th>
                  <th scope="col">
                    <span class="hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.keys.map((item) => (
                  <KeyRow key={item.id} item={item} reload={reload} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
      <Card title="Create a key">
        <Create onCreated={reload} />
      </Card>
    </>
  );
};

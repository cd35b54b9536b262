import { useState } from 'preact/hooks';
import { api, may, post } from '../api.ts';
import { useAction } from '../hooks.ts';
import { go, toHref } from '../router.ts';
import { confirm } from './confirm.tsx';
import type { TaskType } from './type-facts.tsx';
import { Age, CopyButton } from './ui.tsx';

interface Answer {
  status: number | null;
  duration_ms: number;
  answer: string;
}

/** Sends the example to an endpoint, and shows what came back. */
export const TestCall = ({ name }: { name: string }) => {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [isBusy, act] = useAction();
  const send = (): void =>
    act(async () => {
      setAnswer(await post<Answer>(`/task-types/${name}/test`));
      return undefined;
    });
  return (
    <div class="stack">
      <div class="row">
        <button disabled={isBusy} onClick={send}>
          Send a test
        </button>
        <span class="muted">Sends the example once; no task is made.</span>
      </div>
      {answer && (
        <div
          class={`note ${answer.status !== null && answer.status < 300 ? '' : 'error'}`}
          role="status"
        >
          <span>
            {answer.status === null ? 'No answer' : `Answered ${answer.status}`} after{' '}
            {answer.duration_ms} ms
          </span>
          {answer.answer !== '' && <pre tabIndex={0}>{answer.answer}</pre>}
        </div>
      )}
    </div>
  );
};

/** Whether runs of a type begin, and since when they do not. */
export const TypePaused = ({ type }: { type: TaskType }) =>
  type.paused_until === null ? null : (
    <p class="note warn">
      <span>
        Paused: no run begins
        {/* A pause without an end is set to end in eight thousand years. */}
        {type.paused_until < '9000' ? (
          <>
            {' '}
            before <Age at={type.paused_until} />.
          </>
        ) : (
          ' until it is resumed.'
        )}
      </span>
    </p>
  );

/** What can be done with a type that an owner registered. */
export const TypeActions = ({ type, reload }: { type: TaskType; reload(): void }) => {
  const [isBusy, act] = useAction();
  const [secret, setSecret] = useState<string | null>(null);
  if (type.kind === 'built_in' || !(may('types:write') || may('admin'))) return null;
  const path = `/task-types/${type.type}`;
  const command = (verb: 'pause' | 'resume'): void =>
    act(async () => {
      await post(`${path}/${verb}`);
      reload();
      return verb === 'pause' ? 'Paused' : 'Resumed';
    });
  const rotate = (): void =>
    act(async () => {
      const text = 'Let another secret begin? The one before signs as well for a day.';
      if (!(await confirm(text, 'Rotate'))) return undefined;
      setSecret((await post<{ secret: string }>(`${path}/secret/rotate`)).secret);
      return undefined;
    });
  const remove = (): void =>
    act(async () => {
      if (!(await confirm(`Delete the type ${type.type}? Its tasks stay.`, 'Delete')))
        return undefined;
      await api('DELETE', path);
      go('/types');
      return 'Deleted';
    });
  return (
    <>
      <div class="row">
        <a class="button" href={toHref('/register', { type: type.type })}>
          Change
        </a>
        {type.paused_until === null ? (
          <button disabled={isBusy} onClick={() => command('pause')}>
            Pause type
          </button>
        ) : (
          <button class="primary" disabled={isBusy} onClick={() => command('resume')}>
            Resume type
          </button>
        )}
        {type.kind === 'endpoint' && (
          <button disabled={isBusy} onClick={rotate}>
            Rotate secret
          </button>
        )}
        <button class="danger" disabled={isBusy} onClick={remove}>
          Delete
        </button>
      </div>
      {secret !== null && (
        <div class="note" role="alert">
          <p>The new secret. Copy it now, it is shown this once.</p>
          <code class="secret">{secret}</code>
          <CopyButton text={secret} />
        </div>
      )}
      {type.kind === 'endpoint' && <TestCall name={type.type} />}
    </>
  );
};

import { useState } from 'preact/hooks';
import { toHref } from '../router.ts';
import { toWorkerCode, WORKER_LANGUAGES, type WorkerLanguage } from '../worker-code.ts';
import { TestCall } from './type-actions.tsx';
import type { TaskType } from './type-facts.tsx';
import { Card, CopyButton, Segmented } from './ui.tsx';

/** What to do once a type is there: its secret, a test, a program that runs it. */
export const TypeRegistered = ({ type, secret }: { type: TaskType; secret: string | null }) => {
  const [language, setLanguage] = useState<WorkerLanguage>('python');
  const code = toWorkerCode(
    language,
    type.type,
    Object.keys((type.params as { properties?: object }).properties ?? {}),
  );
  return (
    <Card title={`${type.type} is registered`}>
      {secret !== null && (
        <div class="note" role="alert">
          <p>
            Its requests are signed with this secret. Copy it now: it is shown this once, and
            rotated on the page of the type.
          </p>
          <code class="secret">{secret}</code>
          <CopyButton text={secret} />
        </div>
      )}
      {type.kind === 'endpoint' && <TestCall name={type.type} />}
      {type.kind === 'worker' && (
        <>
          <p>Start a worker that runs it:</p>
          <Segmented
            label="Language"
            values={WORKER_LANGUAGES}
            value={language}
            onChange={(chosen) => setLanguage(chosen)}
          />
          <pre class="curl" tabIndex={0}>
            {code}
          </pre>
          <div class="row end">
            <CopyButton text={code} />
          </div>
        </>
      )}
      {type.kind === 'manual' && (
        <p>Its tasks wait until somebody opens them and says Complete or Fail.</p>
      )}
      <div class="row end">
        <a class="button" href={toHref(`/types/${type.type}`)}>
          Its page
        </a>
        <a class="button primary" href={toHref('/new', { type: type.type })}>
          Run one
        </a>
      </div>
    </Card>
  );
};

import { useState } from 'preact/hooks';
import type { FlowView } from '../../domain/flow-view.ts';
import { FLOW_STATUSES, isFinal } from '../../domain/words.ts';
import { ApiError, get, may, post } from '../api.ts';
import { formatDuration, formatNumber, toWords } from '../format.ts';
import { useAction, useNow, useQuery, useThrottledReload } from '../hooks.ts';
import { go, route, toHref } from '../router.ts';
import { Field } from '../components/schedule-fields.tsx';
import {
  Age,
  Card,
  Empty,
  ErrorNote,
  PageHead,
  ProgressBar,
  ShortId,
  Skeleton,
  StatusBadge,
} from '../components/ui.tsx';

const PAGE_SIZE = 50;

interface Page {
  flows: FlowView[];
  pagination: { next_cursor: string | null };
}

const EXAMPLE = {
  name: 'Add twice',
  tasks: {
    first: { type: 'sum', params: { a: 1, b: 2 } },
    second: { type: 'sum', params: { a: { $from: 'first.result.result' }, b: 4 } },
  },
};

const Row = ({ flow }: { flow: FlowView }) => {
  const now = useNow();
  const { ended, total } = flow.tasks;
  const end = flow.completed_at === null ? now : Date.parse(flow.completed_at);
  return (
    <tr>
      <td data-label="Flow" class="broken">
        <a href={toHref(`/flows/${flow.flow_id}`)}>{flow.name ?? 'Flow'}</a>{' '}
        <ShortId id={flow.flow_id} />
      </td>
      <td data-label="Status">
        <StatusBadge status={flow.status} />
      </td>
      <td data-label="Tasks">
        {isFinal(flow.status) ? (
          formatNumber(total)
        ) : (
          <ProgressBar
            fraction={total === 0 ? 0 : ended / total}
            label={`${formatNumber(ended)} of ${formatNumber(total)}`}
          />
        )}
      </td>
      <td data-label="Submitted">
        <Age at={flow.submitted_at} />
      </td>
      <td data-label="Took">
        {formatDuration(Math.max(0, end - Date.parse(flow.submitted_at)) / 1_000)}
      </td>
    </tr>
  );
};

/** A flow as JSON, for those who try it out. */
const Create = () => {
  const [text, setText] = useState(JSON.stringify(EXAMPLE, null, 2));
  const [errors, setErrors] = useState<{ path: string; message: string }[]>([]);
  const [isBusy, act] = useAction();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    act(async () => {
      setErrors([]);
      let body: unknown;
      try {
        body = JSON.parse(text);
      } catch (error) {
        throw new Error(`This is not JSON: ${(error as Error).message}`, { cause: error });
      }
      try {
        const { flow_id } = await post<{ flow_id: string }>('/flows', body);
        go(`/flows/${flow_id}`);
      } catch (error) {
        if (error instanceof ApiError) setErrors(error.errors);
        throw error;
      }
      return 'Submitted';
    });
  };
  return (
    <Card title="New flow">
      <form class="fields" onSubmit={submit}>
        <Field
          id="flow"
          label="As JSON"
          hint="Tasks by name; $from names the value of another, which it waits for then"
        >
          <textarea
            id="flow"
            class="code"
            rows={10}
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </Field>
        {errors.map(({ path, message }) => (
          <p class="wrong" key={path}>
            <code>{path}</code> {message}
          </p>
        ))}
        <div class="row end">
          <button class="primary" disabled={isBusy}>
            Submit
          </button>
        </div>
      </form>
    </Card>
  );
};

/** Tasks that wait for tasks, newest first. */
export const FlowsPage = () => {
  const { query } = route.value;
  const [status, cursor] = [query.get('status') ?? '', query.get('cursor') ?? ''];
  const asked = new URLSearchParams({
    page_size: String(PAGE_SIZE),
    ...(status !== '' && { status }),
    ...(cursor !== '' && { cursor }),
  }).toString();
  const { data, error, readAt, reload } = useQuery(`flows ${asked}`, () =>
    get<Page>(`/flows?${asked}`),
  );
  useThrottledReload(reload, 1_000);
  const next = data?.pagination.next_cursor ?? null;
  return (
    <>
      <PageHead title="Flows">
        <select
          aria-label="Status"
          value={status}
          onChange={({ currentTarget }) =>
            go('/flows', currentTarget.value === '' ? {} : { status: currentTarget.value })
          }
        >
          <option value="">All</option>
          {FLOW_STATUSES.map((each) => (
            <option key={each} value={each}>
              {toWords(each)}
            </option>
          ))}
        </select>
      </PageHead>
      {error && <ErrorNote error={error} readAt={readAt} retry={reload} />}
      {!data && !error && <Skeleton rows={6} />}
      {data?.flows.length === 0 && (
        <Empty>
          {status === '' && cursor === ''
            ? 'No flow yet. A flow is tasks that wait for tasks: chains, groups, a task for each item of a list, approvals.'
            : 'No flow is like this.'}
        </Empty>
      )}
      {data && data.flows.length > 0 && (
        <Card title={next === null ? formatNumber(data.flows.length) : 'Newest'}>
          <div class="scroll" tabIndex={0} role="region" aria-label="Flows">
            <table class="stacked unbroken">
              <thead>
                <tr>
                  <th scope="col">Flow</th>
                  <th scope="col">Status</th>
                  <th scope="col">Tasks</th>
                  <th scope="col">Submitted</th>
                  <th scope="col">Took</th>
                </tr>
              </thead>
              <tbody>
                {data.flows.map((flow) => (
                  <Row key={flow.flow_id} flow={flow} />
                ))}
              </tbody>
            </table>
          </div>
          {next !== null && (
            <div class="row end">
              <a
                class="button"
                href={toHref('/flows', { cursor: next, ...(status !== '' && { status }) })}
              >
                Older
              </a>
            </div>
          )}
        </Card>
      )}
      {(may('tasks:write') || may('admin')) && <Create />}
    </>
  );
};

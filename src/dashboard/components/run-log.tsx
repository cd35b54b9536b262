import { useEffect, useRef, useState } from 'preact/hooks';
import type { LogLineView } from '../../domain/frames.ts';
import { formatLogLine, LOG_LEVELS, type LogLevel } from '../../domain/run-log.ts';
import type { TaskDetail } from '../../domain/view.ts';
import { isFinal } from '../../domain/words.ts';
import { get } from '../api.ts';
import { saveFile } from '../save-file.ts';
import { useQuery } from '../hooks.ts';
import { mergeLines, type RunWords } from '../run-words.ts';
import { Card, CopyButton } from './ui.tsx';

interface TaskLogs {
  attempt: number | null;
  lines: LogLineView[];
  cut: number;
  attempts: { attempt: number; lines: number }[];
}

/** Keeps what is read at its end, until a person scrolls away from it. */
const useFollow = (count: number) => {
  const box = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  useEffect(() => {
    const element = box.current;
    if (element && isFollowing.current) element.scrollTop = element.scrollHeight;
  }, [count]);
  const onScroll = (): void => {
    const element = box.current;
    if (!element) return;
    isFollowing.current = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
  };
  return { box, onScroll };
};

const Line = ({ line }: { line: LogLineView }) => (
  <div class={`line ${line.level}`}>
    <time dateTime={line.at} title={line.at}>
      {line.at.slice(11, 23)}
    </time>
    <span class="level">{line.level}</span>
    <span class="message">
      {line.message}
      {Object.entries(line.fields ?? {}).map(([name, value]) => (
        <span class="log-field" key={name}>
          {' '}
          {name}={typeof value === 'string' ? value : JSON.stringify(value)}
        </span>
      ))}
    </span>
  </div>
);

const download = (name: string, text: string): void =>
  saveFile(name, new Blob([text], { type: 'text/plain' }));

/** What the runs of a task wrote down: stored lines, and those that come. */
export const RunLog = ({ task, words }: { task: TaskDetail; words: RunWords | null }) => {
  const [wanted, setWanted] = useState<number | null>(null);
  const [least, setLeast] = useState<LogLevel>('debug');
  const [search, setSearch] = useState('');
  const query = wanted === null ? '' : `?attempt=${wanted}`;
  // An attempt that has ended has stored all of its log.
  const { data } = useQuery(`logs ${task.task_id} ${query} ${task.version}`, () =>
    get<TaskLogs>(`/tasks/${task.task_id}/logs${query}`),
  );
  const attempt = wanted ?? words?.attempt ?? data?.attempt ?? null;
  const stored = data && data.attempt === attempt ? data.lines : [];
  const lines = mergeLines(stored, words, attempt);
  const ranks = LOG_LEVELS.indexOf(least);
  const shown = lines.filter(
    (line) =>
      LOG_LEVELS.indexOf(line.level) >= ranks &&
      formatLogLine(line).toLowerCase().includes(search.toLowerCase()),
  );
  const { box, onScroll } = useFollow(shown.length);
  if (lines.length === 0 && (data?.attempts.length ?? 0) === 0)
    return task.attempt > 0 && isFinal(task.status) ? (
      <Card title="Log">
        <p class="muted">Its runs wrote nothing down.</p>
      </Card>
    ) : null;
  const text = (): string => lines.map(formatLogLine).join('\n');
  const attempts = data?.attempts ?? [];
  return (
    <Card title="Log">
      <div class="row log-tools">
        <input
          type="search"
          aria-label="Search the log"
          placeholder="Search the log"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <select
          aria-label="Level"
          value={least}
          onChange={(event) => setLeast(event.currentTarget.value as LogLevel)}
        >
          {LOG_LEVELS.map((level) => (
            <option key={level} value={level}>
              {level === 'debug' ? 'All levels' : `${level} and above`}
            </option>
          ))}
        </select>
        {attempts.length > 1 && (
          <select
            aria-label="Attempt"
            value={attempt ?? ''}
            onChange={(event) => setWanted(Number(event.currentTarget.value))}
          >
            {attempts.map((each) => (
              <option key={each.attempt} value={each.attempt}>
                Attempt {each.attempt}
              </option>
            ))}
          </select>
        )}
        <span class="grow" />
        <CopyButton text={text()} label="Copy log" />
        <button onClick={() => download(`${task.task_id}-${attempt}.log`, `${text()}\n`)}>
          Download
        </button>
      </div>
      <div class="log" role="log" tabIndex={0} aria-label="Log" ref={box} onScroll={onScroll}>
        {shown.map((line, i) => (
          <Line key={i} line={line} />
        ))}
        {shown.length === 0 && <p class="muted">No line fits.</p>}
        {(data?.cut ?? 0) > 0 && data?.attempt === attempt && (
          <p class="muted">
            {data?.cut} more lines were not kept: an attempt keeps 1 000 lines and 64 KB.
          </p>
        )}
      </div>
    </Card>
  );
};

/** Text as the run writes it. */
export const RunOutput = ({ words }: { words: RunWords | null }) => {
  const { box, onScroll } = useFollow(words?.text.length ?? 0);
  if (words === null || words.text === '') return null;
  return (
    <Card title="Output">
      <div
        class="log output"
        role="log"
        tabIndex={0}
        aria-label="Output"
        ref={box}
        onScroll={onScroll}
      >
        {words.offset > 0 && <span class="muted">… </span>}
        {words.text}
      </div>
    </Card>
  );
};

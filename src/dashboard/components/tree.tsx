import { useState } from 'preact/hooks';
import { request } from '../api.ts';
import { formatBytes } from '../format.ts';
import { useAction } from '../hooks.ts';
import { toHref } from '../router.ts';
import { saveFile } from '../save-file.ts';
import { copyText } from './ui.tsx';

/** Entries of a list or an object that are shown before the rest is asked for. */
const SHOWN = 100;
/** Longer texts are cut, until they are asked for. */
const SHOWN_CHARS = 500;
/** What a filter of the list can say of a value. */
const MAX_FILTERED = 200;
const SEGMENT = /^[^"\\.\p{Cc}]{1,100}$/u;

type Place = readonly string[] | null;

/** The list of tasks that have this value in this place; null where no filter can say it. */
const toFilterHref = (place: Place, value: unknown): string | null => {
  if (place === null || place.length < 2 || place.length > 11) return null;
  if (!place.every((segment) => SEGMENT.test(segment))) return null;
  const text = String(value);
  return text.trim() === '' || text.length > MAX_FILTERED
    ? null
    : toHref('/tasks', { [place.join('.')]: text });
};

const Text = ({ value }: { value: string }) => {
  const [isWhole, setWhole] = useState(false);
  const isLong = value.length > SHOWN_CHARS && !isWhole;
  return (
    <span class="text">
      {JSON.stringify(isLong ? value.slice(0, SHOWN_CHARS) : value)}
      {isLong && (
        <button class="link" onClick={() => setWhole(true)}>
          … {value.length - SHOWN_CHARS} more characters
        </button>
      )}
    </span>
  );
};

/** A plain value; a click on it lists the tasks that have the same. */
const Leaf = ({ value, place }: { value: unknown; place: Place }) => {
  const href = toFilterHref(place, value);
  const shown =
    typeof value === 'string' ? (
      <Text value={value} />
    ) : (
      <span class={value === null ? 'null' : typeof value}>{String(value)}</span>
    );
  return href === null ? (
    shown
  ) : (
    <>
      {shown}{' '}
      <a class="same" href={href} aria-label={`Tasks with ${String(value)} here`}>
        ⌕
      </a>
    </>
  );
};

interface NodeProps {
  name: string | null;
  value: unknown;
  depth: number;
  place: Place;
  /** Folded out wherever it is found. */
  find: string;
}

const contains = (value: unknown, find: string): boolean =>
  JSON.stringify(value)?.toLowerCase().includes(find) ?? false;

/** Any JSON, as text and never as HTML; lists and objects fold. */
const Node = ({ name, value, depth, place, find }: NodeProps) => {
  const [isFoldedOut, setFoldedOut] = useState(depth < 3);
  const [shown, setShown] = useState(SHOWN);
  const label = name === null ? null : <span class="name">{name}: </span>;
  if (typeof value !== 'object' || value === null)
    return (
      <div class={find !== '' && contains(value, find) ? 'found' : ''}>
        {label}
        <Leaf value={value} place={place} />
      </div>
    );
  const isList = Array.isArray(value);
  const entries = Object.entries(value).filter(
    ([key, each]) => find === '' || key.toLowerCase().includes(find) || contains(each, find),
  );
  const isOpen = isFoldedOut || find !== '';
  const brackets = isList ? ['[', ']'] : ['{', '}'];
  const noun = isList ? 'item' : 'field';
  if (entries.length === 0)
    return (
      <div>
        {label}
        {brackets.join('')}
      </div>
    );
  return (
    <div>
      <button class="fold" aria-expanded={isOpen} onClick={() => setFoldedOut(!isFoldedOut)}>
        {label ?? <span class="name">{isList ? 'list' : 'object'}: </span>}
        {brackets[0]}
        {isOpen ? '' : ` … ${brackets[1]}`}{' '}
        <span class="muted">
          {entries.length} {noun}
          {entries.length > 1 ? 's' : ''}
        </span>
      </button>
      {isOpen && (
        <div class="inner">
          {entries.slice(0, shown).map(([key, each]) => (
            <Node
              key={key}
              name={key}
              value={each}
              depth={depth + 1}
              place={place && [...place, key]}
              find={find}
            />
          ))}
          {entries.length > shown && (
            <button class="link" onClick={() => setShown(shown + SHOWN * 10)}>
              … {entries.length - shown} more
            </button>
          )}
        </div>
      )}
      {isOpen && <div>{brackets[1]}</div>}
    </div>
  );
};

/** A value that was too large for its answer: where it is. */
interface Outside {
  bytes: number;
  url: string;
}
export const readOutside = (value: unknown): Outside | null => {
  const body = (value as { $body?: Partial<Outside> } | null)?.$body;
  return typeof body?.bytes === 'number' && typeof body.url === 'string'
    ? { bytes: body.bytes, url: body.url }
    : null;
};

const OutsideNote = ({ body: { bytes, url } }: { body: Outside }) => {
  const [isBusy, act] = useAction();
  const save = (): void =>
    act(async () => {
      const response = await request('GET', url);
      saveFile(`${url.split('/').slice(-2).join('-')}.json`, await response.blob());
      return undefined;
    });
  return (
    <p class="row">
      <span class="muted">{formatBytes(bytes)}, too large to be shown here.</span>
      <button class="small" disabled={isBusy} onClick={save}>
        Download
      </button>
    </p>
  );
};

/** Larger values are worth a search of their own. */
const SEARCHED_CHARS = 400;

/**
 * A JSON value, to be looked through.
 * @param filter what of a task it is, so that a click on a value lists the tasks that have the same
 */
export const Tree = ({ value, filter }: { value: unknown; filter?: 'params' | 'result' }) => {
  const [isRaw, setRaw] = useState(false);
  const [find, setFind] = useState('');
  const text = JSON.stringify(value, null, 2) ?? 'null';
  const outside = readOutside(value);
  if (outside) return <OutsideNote body={outside} />;
  return (
    <div class="tree" tabIndex={0} role="region" aria-label={filter ?? 'JSON'}>
      <div class="tree-tools">
        {text.length > SEARCHED_CHARS && !isRaw && (
          <input
            type="search"
            aria-label="Find in this value"
            placeholder="Find"
            value={find}
            onInput={(event) => setFind(event.currentTarget.value.toLowerCase())}
          />
        )}
        <button class="small" aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
          Raw
        </button>
        <button class="small" onClick={() => void copyText(text)}>
          Copy
        </button>
        {text.length > SEARCHED_CHARS && (
          <button
            class="small"
            onClick={() => saveFile('value.json', new Blob([text], { type: 'application/json' }))}
          >
            Download
          </button>
        )}
      </div>
      {isRaw ? (
        <pre>{text}</pre>
      ) : (
        <Node
          key={find === '' ? 'all' : 'found'}
          name={null}
          value={value}
          depth={0}
          place={filter ? [filter] : null}
          find={find}
        />
      )}
    </div>
  );
};

import { useState } from 'preact/hooks';
import { toast } from './toast.tsx';

/** Entries of a list or an object that are shown before the rest is asked for. */
const SHOWN = 100;
/** Longer texts are cut, until they are asked for. */
const SHOWN_CHARS = 500;

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

/** Any JSON, as text and never as HTML; lists and objects fold. */
const Node = ({ name, value, depth }: { name: string | null; value: unknown; depth: number }) => {
  const [isOpen, setOpen] = useState(depth < 3);
  const [shown, setShown] = useState(SHOWN);
  const label = name === null ? null : <span class="name">{name}: </span>;
  if (typeof value === 'string')
    return (
      <div>
        {label}
        <Text value={value} />
      </div>
    );
  if (typeof value !== 'object' || value === null)
    return (
      <div>
        {label}
        <span class={value === null ? 'null' : typeof value}>{String(value)}</span>
      </div>
    );
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
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
      <button class="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
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
            <Node key={key} name={key} value={each} depth={depth + 1} />
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

const copy = async (value: unknown): Promise<void> => {
  try {
    await navigator.clipboard.writeText(JSON.stringify(value, null, 2));
    toast('Copied');
  } catch {
    toast('The browser does not allow to copy', 'error');
  }
};

export const Tree = ({ value }: { value: unknown }) => (
  <div class="tree">
    <button class="small copy" onClick={() => void copy(value)}>
      Copy
    </button>
    <Node name={null} value={value} depth={0} />
  </div>
);

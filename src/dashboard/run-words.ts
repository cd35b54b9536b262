import type { Frame, LogLineView } from '../domain/frames.ts';

/** Output that is shown, UTF-16 units: the end of it. */
const MAX_SHOWN_CHARS = 200_000;

/** What a running attempt says, as its stream tells. */
export interface RunWords {
  attempt: number;
  /** Where the text begins in all of its output. */
  offset: number;
  text: string;
  /** The place of the first of the lines in its log. */
  first: number;
  lines: LogLineView[];
}

/** The words with those of a frame, which may repeat some of them. */
export const addWords = (before: RunWords | null, frame: Frame): RunWords | null => {
  if (frame.event !== 'output' && frame.event !== 'log') return before;
  const { attempt } = frame;
  if (before !== null && before.attempt > attempt) return before;
  const words =
    before?.attempt === attempt ? before : { attempt, offset: 0, text: '', first: 0, lines: [] };
  if (frame.event === 'log') {
    const isAfterGap = frame.first > words.first + words.lines.length;
    const isNew = isAfterGap || words.lines.length === 0;
    const first = isNew ? frame.first : Math.min(words.first, frame.first);
    const known = isNew ? [] : words.lines.slice(0, Math.max(0, frame.first - words.first));
    return { ...words, first, lines: [...known, ...frame.lines] };
  }
  const isNew = words.text === '' || frame.offset > words.offset + words.text.length;
  const offset = isNew ? frame.offset : Math.min(words.offset, frame.offset);
  const known = isNew ? '' : words.text.slice(0, Math.max(0, frame.offset - words.offset));
  const text = known + frame.text;
  const cut = Math.max(0, text.length - MAX_SHOWN_CHARS);
  return { ...words, offset: offset + cut, text: text.slice(cut) };
};

/** Stored lines, and those that came since. */
export const mergeLines = (
  stored: readonly LogLineView[],
  words: RunWords | null,
  attempt: number | null,
): LogLineView[] => {
  if (words === null || words.lines.length === 0 || words.attempt !== attempt) return [...stored];
  if (words.first > stored.length) return [...stored, ...words.lines];
  const merged = [...stored.slice(0, words.first), ...words.lines];
  return merged.length >= stored.length ? merged : [...stored];
};

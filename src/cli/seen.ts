import type { Frame, LogLine } from '../client/index.ts';

/** What of a run's words was printed: a stream that is opened again repeats some of them. */
export const createSeen = () => {
  let attempt = 0;
  let [chars, count] = [0, 0];
  const begin = (of: number): boolean => {
    if (of > attempt) [attempt, chars, count] = [of, 0, 0];
    return of === attempt;
  };
  return {
    text(frame: Extract<Frame, { event: 'output' }>): string {
      if (!begin(frame.attempt)) return '';
      const fresh = frame.text.slice(Math.max(0, chars - frame.offset));
      chars = Math.max(chars, frame.offset + frame.text.length);
      return fresh;
    },
    /** Also for lines that were read, and not streamed. */
    lines(part: { attempt: number; first: number; lines: readonly LogLine[] }): readonly LogLine[] {
      if (!begin(part.attempt)) return [];
      const fresh = part.lines.slice(Math.max(0, count - part.first));
      count = Math.max(count, part.first + part.lines.length);
      return fresh;
    },
  };
};

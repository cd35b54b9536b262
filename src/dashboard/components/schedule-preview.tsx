import { useEffect, useState } from 'preact/hooks';
import type { NextMoment } from '../schedules.ts';
import { post } from '../api.ts';
import { Moments } from './moments.tsx';
import { Empty } from './ui.tsx';

/** Nobody is asked while somebody types. */
const PAUSE_MS = 250;

interface Preview {
  words: string;
  next: NextMoment[];
}

/** A recurrence in words, and when it would fire. */
export const SchedulePreview = ({ recurrence }: { recurrence: object }) => {
  const [preview, setPreview] = useState<Preview | null>(null);
  const [error, setError] = useState<string | null>(null);
  const asked = JSON.stringify(recurrence);
  useEffect(() => {
    let isOver = false;
    const timer = setTimeout(() => {
      post<Preview>('/schedules/preview', recurrence).then(
        (answer) => {
          if (isOver) return;
          setPreview(answer);
          setError(null);
        },
        (refused: Error) => !isOver && setError(refused.message),
      );
    }, PAUSE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [asked]);
  return (
    <div role="status">
      {error === null ? (
        <>
          <p class="words">{preview?.words ?? ' '}</p>
          <Moments moments={preview?.next ?? []} />
        </>
      ) : (
        <Empty>{error}</Empty>
      )}
    </div>
  );
};

/** At most this many list frames in any second … */
const FRAMES_PER_SECOND = 4;
/** … the first of them at once, and this far apart when more keeps coming. */
const SPACING_MS = 250;

/**
 * When the next list frame may go out: at once while things are quiet, so that a single task is
 * seen live, and otherwise so that no second holds more than four.
 */
export const createPacer = () => {
  const sentAt: number[] = [];
  return {
    /** Milliseconds to wait before the next frame. */
    computeWaitMs(now: number): number {
      const fourthLast = sentAt.at(-FRAMES_PER_SECOND);
      if (fourthLast === undefined || fourthLast + 1_000 <= now) return 0;
      return Math.max(fourthLast + 1_000, (sentAt.at(-1) ?? 0) + SPACING_MS) - now;
    },
    countFrame(now: number): void {
      sentAt.push(now);
      if (sentAt.length > FRAMES_PER_SECOND) sentAt.shift();
    },
  };
};

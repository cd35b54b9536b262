/** The longest delay that `setTimeout` takes; a longer one would fire at once. In ms. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Calls `work` after `ms`, however many that are; returns how to stop it. Infinity: never. */
export const startTimer = (work: () => void, ms: number): (() => void) => {
  const until = Date.now() + ms;
  let timer: ReturnType<typeof setTimeout>;
  const wait = (): void => {
    const left = until - Date.now();
    timer = left > MAX_DELAY_MS ? setTimeout(wait, MAX_DELAY_MS) : setTimeout(work, left);
  };
  wait();
  return () => clearTimeout(timer);
};

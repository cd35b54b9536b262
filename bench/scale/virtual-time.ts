// Time that passes only when nothing is left to do at a moment: timers, `Date.now` and `performance.now` of
// this process are of it, so the engine runs unchanged.

interface Timer {
  at: number;
  order: number;
  run(): void;
}

/** A binary heap of timers, the earliest first. */
const createHeap = () => {
  const heap: Timer[] = [];
  const isBefore = (a: Timer, b: Timer): boolean =>
    a.at < b.at || (a.at === b.at && a.order < b.order);
  const swap = (i: number, j: number): void => {
    [heap[i], heap[j]] = [heap[j] as Timer, heap[i] as Timer];
  };
  return {
    push(timer: Timer): void {
      heap.push(timer);
      for (let i = heap.length - 1; i > 0;) {
        const parent = (i - 1) >> 1;
        if (!isBefore(heap[i] as Timer, heap[parent] as Timer)) break;
        swap(i, parent);
        i = parent;
      }
    },
    pop(): Timer | undefined {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || heap.length === 0) return first;
      heap[0] = last;
      for (let i = 0; ;) {
        const [left, right] = [2 * i + 1, 2 * i + 2];
        let least = i;
        if (left < heap.length && isBefore(heap[left] as Timer, heap[least] as Timer)) least = left;
        if (right < heap.length && isBefore(heap[right] as Timer, heap[least] as Timer))
          least = right;
        if (least === i) return first;
        swap(i, least);
        i = least;
      }
    },
  };
};

/** Turns of the event loop in which promises settle; the real one, whatever the others think. */
const nextTurn = (
  (real) => () =>
    new Promise<void>((resolve) => real(resolve))
)(setImmediate);

/** Takes the place of this process's clock until `restore`. */
export const startVirtualTime = (startAt: number) => {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
    dateNow: Date.now,
    performanceNow: performance.now,
  };
  let now = startAt;
  let order = 0;
  const heap = createHeap();
  const dropped = new WeakSet<Timer>();
  const at = (when: number, run: () => void): Timer => {
    order += 1;
    const timer = { at: Math.max(now, when), order, run };
    heap.push(timer);
    return timer;
  };
  const clear = (timer: unknown): void => {
    if (typeof timer === 'object' && timer !== null) dropped.add(timer as Timer);
  };
  const set = (run: (...given: unknown[]) => void, ms = 0, ...given: unknown[]): unknown => {
    const timer = at(now + Math.max(0, ms), () => run(...given));
    // What Node's timers have besides.
    return Object.assign(timer, { unref: () => timer, ref: () => timer });
  };
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear, clearInterval: clear });
  Date.now = () => Math.floor(now);
  performance.now = () => now - startAt;

  return {
    now: (): number => now,
    /** Resolves after so many ms. */
    wait: (ms: number): Promise<void> =>
      new Promise((resolve) => void at(now + Math.max(0, ms), resolve)),
    /** Lets time pass until then. */
    async runUntil(end: number): Promise<void> {
      for (;;) {
        await nextTurn();
        const timer = heap.pop();
        if (timer === undefined) break;
        if (timer.at > end) {
          heap.push(timer);
          break;
        }
        if (dropped.has(timer)) continue;
        now = Math.max(now, timer.at);
        timer.run();
      }
      now = end;
    },
    restore(): void {
      Object.assign(globalThis, {
        setTimeout: real.setTimeout,
        clearTimeout: real.clearTimeout,
        setInterval: real.setInterval,
        clearInterval: real.clearInterval,
      });
      Date.now = real.dateNow;
      performance.now = real.performanceNow;
    },
  };
};

export type VirtualTime = ReturnType<typeof startVirtualTime>;

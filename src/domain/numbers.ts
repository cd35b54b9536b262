/** Small enough that a hundred thousand of the largest numbers, so scaled, add up to a number. */
const SCALE = 2 ** -20;

/**
 * Adds numbers up as they come. A sum that overflows on the way and comes back is still right; one
 * that overflows in the end is null.
 */
export const createSum = () => {
  let plain = 0;
  let scaled = 0;
  let count = 0;
  return {
    add(n: number): void {
      plain += n;
      scaled += n * SCALE;
      count += 1;
    },
    /** Null: beyond what a number can hold. */
    sum(): number | null {
      if (Number.isFinite(plain)) return plain;
      const sum = scaled / SCALE;
      return Number.isFinite(sum) ? sum : null;
    },
    /** Null without any number. A mean never overflows, for it lies among its numbers. */
    mean(): number | null {
      if (count === 0) return null;
      return Number.isFinite(plain) ? plain / count : scaled / count / SCALE;
    },
  };
};

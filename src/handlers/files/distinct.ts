/** Values that are told apart, per column and in all; beyond it the count is a least number. */
const MAX_DISTINCT = 10_000;
const MAX_DISTINCT_IN_ALL = 200_000;
/** Of longer texts a fingerprint is kept: the memory would not hold them. */
const MAX_KEPT_CHARS = 100;

/** A text's fingerprint of 106 bits, by two runs of cyrb53 (https://stackoverflow.com/a/52171480). */
const fingerprint = (text: string): string => `${hash(text, 1)}.${hash(text, 2)}`;

const hash = (text: string, seed: number): number => {
  let [a, b] = [0xdeadbeef ^ seed, 0x41c6ce57 ^ seed];
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2_654_435_761);
    b = Math.imul(b ^ unit, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & b) + (a >>> 0);
};

/** Counts the distinct values of the columns of one file, within bounded memory. */
export const createDistinct = () => {
  let inAll = 0;
  return () => {
    const seen = new Set<string>();
    let isCapped = false;
    return {
      /** `kind` tells apart what is written alike, such as 1 and "1". */
      add(kind: string, text: string): void {
        if (isCapped) return;
        const key =
          text.length <= MAX_KEPT_CHARS
            ? `${kind}${text}`
            : `${kind}#${text.length}.${fingerprint(text)}`;
        if (seen.has(key)) return;
        if (seen.size >= MAX_DISTINCT || inAll >= MAX_DISTINCT_IN_ALL) isCapped = true;
        else {
          seen.add(key);
          inAll += 1;
        }
      },
      count: (): number => seen.size,
      isCapped: (): boolean => isCapped,
    };
  };
};

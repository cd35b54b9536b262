/** Largest checkpoint, and result of a step, as UTF-8 JSON. */
export const MAX_CHECKPOINT_BYTES = 16_384;
/** Tasks that one run submits. */
export const MAX_CHILDREN = 1_000;
/** Output of a run that is kept for those who come late, and of one call, UTF-16 units. */
export const MAX_OUTPUT_CHARS = 65_536;

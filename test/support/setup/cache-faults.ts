/** The ways in which a cache can fail; each is the first part of a path. */
export const CACHE_FAULTS = [
  'hangs',
  'drops',
  '401',
  '429',
  '500',
  'html',
  'wrong-shape',
  'garbage',
  'huge',
] as const;

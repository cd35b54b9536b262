/** The least UUIDv7 of a moment in ms (RFC 9562): its first 48 bits are milliseconds. */
export const toUuidFloor = (ms: number): string => {
  const digits = Math.min(Math.max(0, Math.floor(ms)), 0xffff_ffff_ffff)
    .toString(16)
    .padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-000000000000`;
};

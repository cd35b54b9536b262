const NUMBER = new Intl.NumberFormat('en');
export const formatNumber = (n: number): string => NUMBER.format(n);

/** `12 ms`, `3.4 s`, `2 m 5 s`, `1 h`, `4 d 2 h`; rounded first, so that no unit overflows. */
export const formatDuration = (seconds: number | null): string => {
  if (seconds === null) return '–';
  const ms = Math.round(seconds * 1_000);
  if (ms < 1_000) return `${ms} ms`;
  const tenths = Math.round(seconds * 10);
  if (tenths < 100) return `${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return joinUnits([Math.floor(whole / 60), 'm'], [whole % 60, 's']);
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return joinUnits([Math.floor(minutes / 60), 'h'], [minutes % 60, 'm']);
  const hours = Math.round(seconds / 3_600);
  return joinUnits([Math.floor(hours / 24), 'd'], [hours % 24, 'h']);
};

const joinUnits = (...parts: readonly (readonly [number, string])[]): string =>
  parts
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ');

/** How long ago, or in how long. */
export const formatAge = (iso: string, now: number): string => {
  const seconds = (now - Date.parse(iso)) / 1_000;
  if (Math.abs(seconds) < 1.5) return 'now';
  const short = formatDuration(
    Math.abs(seconds) < 60 ? Math.round(Math.abs(seconds)) : Math.abs(seconds),
  );
  return seconds < 0 ? `in ${short}` : `${short} ago`;
};

export const formatClock = (iso: string): string =>
  new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export const toWords = (status: string): string => status.toLowerCase().replaceAll('_', ' ');

export const formatBytes = (bytes: number): string => {
  const units = ['B', 'KB', 'MB', 'GB'];
  const i = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1_000 ** i).toFixed(1))} ${units[i]}`;
};

const NUMBER = new Intl.NumberFormat('en');
export const formatNumber = (n: number): string => NUMBER.format(n);

const formatSeconds = (seconds: number): string => {
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3_600),
    Math.floor(seconds / 86_400),
  ];
  if (minutes < 60) return `${minutes} m ${Math.round(seconds % 60)} s`;
  if (hours < 24) return `${hours} h ${minutes % 60} m`;
  return `${days} d ${hours % 24} h`;
};

/** `12 ms`, `3.4 s`, `2 m 5 s`, `1 h`, `4 d 2 h`. */
export const formatDuration = (seconds: number | null): string =>
  seconds === null
    ? '–'
    : formatSeconds(seconds)
        .replace(/ 0 [smh]$/, '')
        .replace('.0 ', ' ');

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

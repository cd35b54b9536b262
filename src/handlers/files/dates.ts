const DATE =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?([Zz]|[+-](0\d|1[0-4]):?[0-5]\d)?)?$/;

/** Whether the month has such a day; `Date` would go on into the next month. */
const isDay = (text: string): boolean =>
  new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === Number(text.slice(8, 10));

/** Whether a text is a day, or a moment, in ISO 8601. */
export const isDate = (text: string): boolean =>
  text.length <= 35 && DATE.test(text) && isDay(text);

/** A date as a moment: whole seconds as ms, and what is left of a second. No zone means UTC. */
const toMoment = (text: string): { ms: number; fraction: string } => {
  const [, day = '', time = '00:00', fraction = '', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(
      text.toUpperCase(),
    ) ?? [];
  const offset = zone === 'Z' ? zone : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  return { ms: Date.parse(`${day}T${time}${offset}`), fraction: fraction.replace(/0+$/, '') };
};

/** Compares two dates as the moments that they are, whatever their zones. */
export const compareDates = (a: string, b: string): number => {
  const [x, y] = [toMoment(a), toMoment(b)];
  if (x.ms !== y.ms) return x.ms - y.ms;
  return x.fraction < y.fraction ? -1 : x.fraction > y.fraction ? 1 : 0;
};

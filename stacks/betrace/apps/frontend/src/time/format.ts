// Times and durations as a person reads them.

const absolute: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
};

/** Day and time by the person's own clock; empty for what is no time. */
export function formatTime(time: string | null, locale?: string): string {
  const date = parseTime(time);
  return date === null ? '' : new Intl.DateTimeFormat(locale, absolute).format(date);
}

/** RFC 3339 to a date; null where there is none. */
export function parseTime(time: string | null): Date | null {
  if (time === null || time === '') return null;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? null : date;
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** How long ago, in one unit: `3 minutes ago`. Times up to a minute ahead are clocks that differ. */
export function formatAgo(time: Date, now: Date, locale?: string): string {
  const seconds = Math.round((time.getTime() - now.getTime()) / 1000);
  if (Math.abs(seconds) < 45) return 'just now';
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'always' });
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(Math.sign(seconds), 'minute');
}

/** A length of time in nanoseconds, in the unit that fits, with at most three digits that count. */
export function formatNanos(nanos: bigint): string {
  if (nanos < 0n) return `-${formatNanos(-nanos)}`;
  const value = Number(nanos);
  if (value < 1_000) return `${value} ns`;
  if (value < 999_500) return `${digits(value / 1e3)} µs`;
  if (value < 999_500_000) return `${digits(value / 1e6)} ms`;
  if (value < 59_950_000_000) return `${digits(value / 1e9)} s`;
  return formatSeconds(Math.round(value / 1e9));
}

/** A length of time in whole seconds, in its two largest units. */
export function formatSeconds(total: number): string {
  const parts: [number, string][] = [
    [Math.floor(total / 86_400), 'd'],
    [Math.floor((total % 86_400) / 3_600), 'h'],
    [Math.floor((total % 3_600) / 60), 'min'],
    [Math.floor(total % 60), 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

function digits(value: number): string {
  const places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return String(Number(value.toFixed(places)));
}

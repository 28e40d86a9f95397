// The spans of time that a person can look at.

export const ranges = ['1h', '24h', '7d', '30d'] as const;
export type Range = (typeof ranges)[number];

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const facts: Record<Range, { label: string; length: number; bucket: number }> = {
  '1h': { label: 'Last hour', length: hour, bucket: 2 * minute },
  '24h': { label: 'Last 24 hours', length: day, bucket: hour },
  '7d': { label: 'Last 7 days', length: 7 * day, bucket: 6 * hour },
  '30d': { label: 'Last 30 days', length: 30 * day, bucket: day },
};

export function isRange(text: unknown): text is Range {
  return ranges.some((range) => range === text);
}

export function rangeLabel(range: Range): string {
  return facts[range].label;
}

export function rangeStart(range: Range, now: Date): Date {
  return new Date(now.getTime() - facts[range].length);
}

export interface StatsWindow {
  start: Date;
  end: Date;
  buckets: number;
}

/**
 * The time to ask statistics for: it ends with the bucket that `now` is in, and buckets start at full minutes, hours
 * or days of the person's own clock, so that bars don't move between two looks.
 */
export function statsWindow(range: Range, now: Date): StatsWindow {
  const { length, bucket } = facts[range];
  const shift = now.getTimezoneOffset() * minute;
  const local = now.getTime() - shift;
  const end = (Math.floor(local / bucket) + 1) * bucket + shift;
  return { start: new Date(end - length), end: new Date(end), buckets: length / bucket };
}

/** What the bar of a bucket is called: as short as its length allows. */
export function bucketLabel(range: Range, start: Date, locale?: string): string {
  const options: Intl.DateTimeFormatOptions =
    range === '1h' || range === '24h'
      ? { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
      : range === '7d'
        ? { weekday: 'short', hour: '2-digit', hourCycle: 'h23' }
        : { day: 'numeric', month: 'short' };
  return new Intl.DateTimeFormat(locale, options).format(start);
}

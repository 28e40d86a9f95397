import { describe, expect, it } from 'vitest';
import { bucketLabel, rangeStart, ranges, statsWindow } from './range';

describe('the window of the statistics', () => {
  const now = new Date('2026-07-01T12:34:56Z');

  it('ends with the bucket that is now, at a full hour', () => {
    const window = statsWindow('24h', now);
    expect(window.end.toISOString()).toBe('2026-07-01T13:00:00.000Z');
    expect(window.start.toISOString()).toBe('2026-06-30T13:00:00.000Z');
    expect(window.buckets).toBe(24);
  });

  it('cuts days at midnight of the person’s clock', () => {
    // Two hours before UTC's in Berlin in summer.
    expect(statsWindow('30d', now).end.toISOString()).toBe('2026-07-01T22:00:00.000Z');
  });

  it('stays the same for as long as its last bucket', () => {
    const later = new Date('2026-07-01T12:59:59.999Z');
    expect(statsWindow('24h', later)).toEqual(statsWindow('24h', now));
    expect(statsWindow('24h', new Date('2026-07-01T13:00:00Z'))).not.toEqual(statsWindow('24h', now));
  });

  it('never asks for more buckets than the backend gives', () => {
    for (const range of ranges) expect(statsWindow(range, now).buckets).toBeLessThanOrEqual(500);
  });
});

it('starts ranges that long ago', () => {
  expect(rangeStart('7d', new Date('2026-07-08T00:00:00Z')).toISOString()).toBe('2026-07-01T00:00:00.000Z');
});

it('names bars by the clock of the person', () => {
  const start = new Date('2026-07-01T12:00:00Z');
  expect(bucketLabel('24h', start, 'en-GB')).toBe('14:00');
  expect(bucketLabel('30d', start, 'en-GB')).toBe('1 Jul');
  expect(bucketLabel('7d', start, 'en-GB')).toContain('Wed');
});

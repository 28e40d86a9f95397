import { expect, it } from 'vitest';
import { formatAgo, formatNanos, formatSeconds, formatTime } from './format';

it.each([
  [0n, '0 ns'],
  [999n, '999 ns'],
  [1_000n, '1 µs'],
  [1_234n, '1.23 µs'],
  [12_345n, '12.3 µs'],
  [999_499n, '999 µs'],
  [999_500n, '1 ms'],
  [350_000_000n, '350 ms'],
  [999_600_000n, '1 s'],
  [2_310_000_000n, '2.31 s'],
  [59_960_000_000n, '1 min'],
  [184_000_000_000n, '3 min 4 s'],
  [-5_000n, '-5 µs'],
])('writes %d ns as %s', (nanos, text) => {
  expect(formatNanos(nanos)).toBe(text);
});

it.each([
  [0, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [3_600, '1 h'],
  [3_661, '1 h 1 min'],
  [90_061, '1 d 1 h'],
  [86_459, '1 d'],
])('writes %d s as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

it.each([
  ['2026-03-01T12:00:00Z', 'just now'],
  ['2026-03-01T12:00:20Z', 'just now'],
  ['2026-03-01T11:59:10Z', '1 minute ago'],
  ['2026-03-01T11:57:30Z', '2 minutes ago'],
  ['2026-03-01T09:00:00Z', '3 hours ago'],
  ['2026-02-27T11:00:00Z', '2 days ago'],
])('says that %s was %s', (time, text) => {
  expect(formatAgo(new Date(time), new Date('2026-03-01T12:00:00Z'), 'en')).toBe(text);
});

it('writes times by the clock of the person', () => {
  expect(formatTime('2026-07-01T22:30:05Z', 'en-GB')).toBe('2 Jul 2026, 00:30:05');
  expect(formatTime('nonsense', 'en-GB')).toBe('');
  expect(formatTime(null)).toBe('');
});

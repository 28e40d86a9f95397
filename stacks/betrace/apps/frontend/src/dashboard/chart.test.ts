import { expect, it } from 'vitest';
import { chartRows } from './chart';

it('has a number for every severity of every bucket', () => {
  const buckets = [
    { startTime: '2026-07-01T12:00:00Z', count: 3, bySeverity: { HIGH: 2, LOW: 1 } },
    { startTime: '2026-07-01T13:00:00Z', count: 0, bySeverity: {} },
  ];
  expect(chartRows('24h', buckets, 'en-GB')).toEqual([
    { label: '14:00', CRITICAL: 0, HIGH: 2, MEDIUM: 0, LOW: 1 },
    { label: '15:00', CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
  ]);
});

// Buckets of the statistics as rows for the chart.

import { type Bucket, type Severity, severities } from '../api/types';
import { parseTime } from '../time/format';
import { bucketLabel, type Range } from '../time/range';

export type ChartRow = { label: string } & Record<Severity, number>;

/** One row a bucket, with a number for every severity. */
export function chartRows(range: Range, buckets: Bucket[], locale?: string): ChartRow[] {
  return buckets.map((bucket) => {
    const start = parseTime(bucket.startTime);
    const counts = Object.fromEntries(severities.map((key) => [key, bucket.bySeverity[key] ?? 0]));
    return { ...(counts as Record<Severity, number>), label: start ? bucketLabel(range, start, locale) : '' };
  });
}

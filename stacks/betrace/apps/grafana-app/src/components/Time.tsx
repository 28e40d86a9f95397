import { dateTimeFormat, dateTimeFormatTimeAgo } from '@grafana/data';

/** A time in the zone that the person has set in Grafana, and how long ago it is. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={dateTimeFormatTimeAgo(at)}>
      {dateTimeFormat(at)}
    </time>
  );
}

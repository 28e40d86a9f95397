import { css } from '@emotion/css';
import { dateTimeFormat, dateTimeFormatTimeAgo } from '@grafana/data';

const nowrap = css({ whiteSpace: 'nowrap' });

/** A time in the zone that the person has set in Grafana, and how long ago it is. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={dateTimeFormatTimeAgo(at)} className={nowrap}>
      {dateTimeFormat(at)}
    </time>
  );
}

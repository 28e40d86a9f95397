import { css, cx } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { Tooltip, useStyles2, useTheme2 } from '@grafana/ui';
import { SEVERITIES, type ViolationStats } from '../api/types';
import { chartTop, labelPlaces } from '../lib/chart';
import { severityColor } from '../lib/severity';

type Bucket = ViolationStats['buckets'][number];

const LABELS = 5;
const DAY = 86_400_000;

interface Props {
  buckets: Bucket[];
  end: string;
}

/** Violations over time, one column for each part of it, by severity from the bottom up. */
export function ViolationChart({ buckets, end }: Props) {
  const styles = useStyles2(getStyles);
  const top = chartTop(buckets.map(({ count }) => count));
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const days = buckets.length > 0 && Date.parse(end) - Date.parse(buckets[0].startTime) > DAY;
  const time = (at: string) => dateTimeFormat(at, { format: days ? 'MM-DD HH:mm' : 'HH:mm' });
  const places = labelPlaces(buckets.length, LABELS);
  return (
    <figure className={styles.figure}>
      <div className={styles.plot} role="img" aria-label={`${total} violations in ${buckets.length} parts of the time`}>
        <span className={styles.top}>{top.toLocaleString()}</span>
        {buckets.map((bucket) => (
          <Column key={bucket.startTime} bucket={bucket} top={top} time={time(bucket.startTime)} />
        ))}
      </div>
      <div className={styles.times} aria-hidden>
        {places.map((place) => buckets[place] && <span key={place}>{time(buckets[place].startTime)}</span>)}
      </div>
      <Legend />
    </figure>
  );
}

function Column({ bucket, top, time }: { bucket: Bucket; top: number; time: string }) {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  const parts = SEVERITIES.map((severity) => ({ severity, count: bucket.bySeverity[severity] ?? 0 })).filter(
    ({ count }) => count > 0
  );
  const column = (
    <div className={cx(styles.column, parts.length === 0 && styles.empty)} data-count={bucket.count}>
      {parts.map(({ severity, count }) => (
        <div key={severity} style={{ height: `${(count / top) * 100}%`, background: severityColor(theme, severity) }} />
      ))}
    </div>
  );
  if (parts.length === 0) {
    return column;
  }
  const text = parts.map(({ severity, count }) => `${severity} ${count.toLocaleString()}`).join(', ');
  return <Tooltip content={`${time}: ${text}`}>{column}</Tooltip>;
}

function Legend() {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  return (
    <figcaption className={styles.legend}>
      {SEVERITIES.map((severity) => (
        <span key={severity}>
          <span className={styles.swatch} style={{ background: severityColor(theme, severity) }} />
          {severity}
        </span>
      ))}
    </figcaption>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  figure: css({ margin: 0, color: theme.colors.text.secondary, fontSize: theme.typography.bodySmall.fontSize }),
  plot: css({
    position: 'relative',
    display: 'flex',
    gap: 2,
    alignItems: 'stretch',
    height: 160,
    borderTop: `1px dashed ${theme.colors.border.weak}`,
    borderBottom: `1px solid ${theme.colors.border.medium}`,
  }),
  top: css({ position: 'absolute', top: 2, left: 0 }),
  column: css({
    flex: '1 1 0',
    minWidth: 0,
    display: 'flex',
    flexDirection: 'column-reverse',
    '&:hover': { background: theme.colors.action.hover },
  }),
  empty: css({ pointerEvents: 'none' }),
  times: css({ display: 'flex', justifyContent: 'space-between', padding: theme.spacing(0.5, 0) }),
  legend: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(2) }),
  swatch: css({
    display: 'inline-block',
    width: 10,
    height: 10,
    marginRight: theme.spacing(0.5),
    borderRadius: theme.shape.radius.default,
  }),
});

import { useMemo, useState } from 'react';
import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Badge, Button, Icon, useStyles2 } from '@grafana/ui';
import type { Span } from '../api/types';
import { duration } from '../lib/format';
import { spanRows, type SpanRow } from '../lib/spans';

const AT_FIRST = 200;

interface Props {
  spans: Span[];
  /** The spans that a rule found. */
  marked?: string[];
}

/** The spans of a trace as a tree over its time; each opens to its attributes. */
export function SpanList({ spans, marked = [] }: Props) {
  const styles = useStyles2(getStyles);
  const [all, setAll] = useState(false);
  const rows = useMemo(() => spanRows(spans), [spans]);
  const found = useMemo(() => new Set(marked), [marked]);
  const shown = all ? rows : rows.slice(0, AT_FIRST);
  return (
    <>
      <ul className={styles.list} aria-label="Spans">
        {shown.map((row) => (
          <SpanItem key={row.span.spanId} row={row} marked={found.has(row.span.spanId)} />
        ))}
      </ul>
      {shown.length < rows.length && (
        <Button variant="secondary" onClick={() => setAll(true)}>
          Show all {rows.length} spans
        </Button>
      )}
    </>
  );
}

function SpanItem({ row, marked }: { row: SpanRow; marked: boolean }) {
  const styles = useStyles2(getStyles);
  const { span, depth, left, width } = row;
  return (
    <li>
      <details className={cx(styles.item, marked && styles.marked)}>
        <summary className={styles.summary}>
          <span className={styles.name} style={{ paddingLeft: `min(${depth * 14}px, 40%)` }}>
            <Icon name="angle-right" className={styles.arrow} />
            <span className={styles.text} title={span.name}>
              {span.name}
            </span>
            {span.status === 'ERROR' && <Badge color="red" text="error" />}
            {marked && <Badge color="purple" text="matched" />}
          </span>
          <span className={styles.service}>{span.serviceName}</span>
          <span className={styles.track} aria-hidden>
            <span
              className={cx(styles.bar, span.status === 'ERROR' && styles.failed)}
              style={{ left: `${left * 100}%`, width: `max(2px, ${width * 100}%)` }}
            />
          </span>
          <span className={styles.duration}>{duration(span.startTime, span.endTime)}</span>
        </summary>
        <Attributes span={span} />
      </details>
    </li>
  );
}

function Attributes({ span }: { span: Span }) {
  const styles = useStyles2(getStyles);
  const entries = Object.entries(span.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <dl className={styles.attributes}>
      {[['span id', span.spanId], ['kind', span.kind], ['status', span.status], ...entries].map(([key, value], i) => (
        <div key={i}>
          <dt>{key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  list: css({ listStyle: 'none', margin: theme.spacing(0, 0, 2) }),
  item: css({
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    borderLeft: '3px solid transparent',
    '&[open] > summary > span > svg:first-of-type': { transform: 'rotate(90deg)' },
  }),
  marked: css({
    borderLeftColor: theme.visualization.getColorByName('purple'),
    background: theme.colors.background.secondary,
  }),
  summary: css({
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 3fr) minmax(0, 1fr) minmax(0, 3fr) 90px',
    gap: theme.spacing(1),
    alignItems: 'center',
    padding: theme.spacing(0.75, 1),
    cursor: 'pointer',
    listStyle: 'none',
    '&::-webkit-details-marker': { display: 'none' },
    '&:hover': { background: theme.colors.action.hover },
    [theme.breakpoints.down('md')]: { gridTemplateColumns: 'minmax(0, 1fr) 80px' },
  }),
  name: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(0.5), minWidth: 0 }),
  arrow: css({ flexShrink: 0 }),
  text: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
  service: css({
    color: theme.colors.text.secondary,
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    [theme.breakpoints.down('md')]: { display: 'none' },
  }),
  track: css({
    position: 'relative',
    height: 10,
    background: theme.colors.background.canvas,
    [theme.breakpoints.down('md')]: { display: 'none' },
  }),
  bar: css({
    position: 'absolute',
    height: '100%',
    borderRadius: theme.shape.radius.default,
    background: theme.visualization.getColorByName('blue'),
  }),
  failed: css({ background: theme.visualization.getColorByName('red') }),
  duration: css({ textAlign: 'right', fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' }),
  attributes: css({
    margin: 0,
    padding: theme.spacing(1, 1, 1, 4),
    '& > div': { display: 'grid', gridTemplateColumns: 'minmax(120px, 1fr) 3fr', gap: theme.spacing(1) },
    '& dt': { color: theme.colors.text.secondary, fontWeight: 'normal', overflowWrap: 'anywhere' },
    '& dd': { margin: 0, fontFamily: theme.typography.fontFamilyMonospace, overflowWrap: 'anywhere' },
  }),
});

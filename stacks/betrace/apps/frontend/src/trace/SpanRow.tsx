import { VisuallyHidden } from '@mantine/core';
import { IconAlertCircle, IconChevronDown, IconChevronRight, IconTarget } from '@tabler/icons-react';
import { type CSSProperties, memo, useId, useState } from 'react';
import { Facts } from '../parts/Facts';
import { Pill } from '../parts/Pill';
import { formatNanos } from '../time/format';
import type { Row } from './rows';
import classes from './Waterfall.module.css';

interface Props {
  row: Row;
  matched: boolean;
  folded: boolean;
  onFold: () => void;
}

/** One span: its name opens what is known of it, the arrow before it folds what lies below. */
export const SpanRow = memo(function SpanRow({ row, matched, folded, onFold }: Props) {
  const { span } = row;
  const [open, setOpen] = useState(false);
  const details = useId();
  const place: CSSProperties & Record<`--${string}`, string | number> = {
    '--depth': Math.min(row.depth, 12),
    '--left': `${row.left}%`,
    '--width': `${row.width}%`,
  };
  return (
    <li className={classes.span} style={place} data-matched={matched || undefined}>
      <div className={classes.head}>
        <Fold row={row} folded={folded} onFold={onFold} />
        <div className={classes.title}>
          <button
            type="button"
            className={classes.name}
            aria-expanded={open}
            aria-controls={open ? details : undefined}
            onClick={() => setOpen(!open)}
          >
            {span.name}
          </button>
          <VisuallyHidden>, level {row.depth + 1}</VisuallyHidden>
          {span.serviceName !== '' && <span className={classes.service}>{span.serviceName}</span>}
          {matched && (
            <Pill tone="match" icon={IconTarget}>
              Found by the rule
            </Pill>
          )}
          {span.status === 'ERROR' && (
            <Pill tone="bad" icon={IconAlertCircle}>
              Error
            </Pill>
          )}
        </div>
      </div>
      <div className={classes.time}>
        <div className={classes.track} aria-hidden>
          <div className={classes.bar} />
        </div>
        <span className={classes.duration}>
          <VisuallyHidden>starts after {formatNanos(row.offsetNanos)}, takes </VisuallyHidden>
          {formatNanos(row.durationNanos)}
        </span>
      </div>
      {open && (
        <div id={details} className={classes.details}>
          <Facts facts={facts(row)} />
        </div>
      )}
    </li>
  );
});

function Fold({ row, folded, onFold }: Pick<Props, 'row' | 'folded' | 'onFold'>) {
  if (row.descendants === 0) return <span className={classes.fold} />;
  const FoldIcon = folded ? IconChevronRight : IconChevronDown;
  return (
    <button
      type="button"
      className={classes.fold}
      aria-expanded={!folded}
      aria-label={`Spans below ${row.span.name}: ${row.descendants}`}
      onClick={onFold}
    >
      <FoldIcon size={16} aria-hidden />
    </button>
  );
}

function facts(row: Row): [string, string][] {
  const { span } = row;
  const parent = row.orphan ? `${span.parentSpanId}, which is not in the trace` : span.parentSpanId;
  const own: [string, string][] = [
    ['Span id', span.spanId],
    ['Parent', parent || 'none'],
    ['Starts after', formatNanos(row.offsetNanos)],
    ['Kind', span.kind],
    ['Status', span.status],
  ];
  const attributes = Object.entries(span.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return [...own, ...attributes];
}

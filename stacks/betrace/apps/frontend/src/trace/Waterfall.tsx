import { Button, Group } from '@mantine/core';
import { useMemo, useState } from 'react';
import { type Row, rowsToShow, visibleRows } from './rows';
import { SpanRow } from './SpanRow';
import classes from './Waterfall.module.css';

const atFirst = 100;
const atOnce = 1000;

interface Props {
  rows: Row[];
  matched: ReadonlySet<string>;
}

/** The spans as a list in the order of the tree, with bars on one time axis. */
export function Waterfall({ rows, matched }: Props) {
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
  const [limit, setLimit] = useState(() => rowsToShow(rows, matched, atFirst, atOnce));
  const visible = useMemo(() => visibleRows(rows, folded), [rows, folded]);
  const left = visible.length - limit;
  const toggle = (position: number) => {
    const next = new Set(folded);
    if (!next.delete(position)) next.add(position);
    setFolded(next);
  };
  return (
    <>
      <ol className={`plain-list ${classes.spans}`} aria-label="Spans, each below its parent">
        {visible.slice(0, limit).map((row) => (
          <SpanRow
            key={row.position}
            row={row}
            matched={matched.has(row.span.spanId)}
            folded={folded.has(row.position)}
            onFold={() => toggle(row.position)}
          />
        ))}
      </ol>
      {left > 0 && (
        <Group>
          <Button variant="default" size="xs" onClick={() => setLimit(limit + atOnce)}>
            Show {Math.min(left, atOnce).toLocaleString()} more of {left.toLocaleString()}
          </Button>
        </Group>
      )}
    </>
  );
}

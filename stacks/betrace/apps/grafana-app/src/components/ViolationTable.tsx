import { useMemo } from 'react';
import { InteractiveTable, TextLink, type CellProps, type Column } from '@grafana/ui';
import type { Violation } from '../api/types';
import { links } from '../lib/links';
import { Prose } from './Prose';
import { SeverityBadge } from './SeverityBadge';
import { Time } from './Time';

type Cell = CellProps<Violation>;

/** Violations as the backend orders them, newest first. */
export function ViolationTable({ violations }: { violations: Violation[] }) {
  const columns = useMemo<Array<Column<Violation>>>(
    () => [
      {
        id: 'timestamp',
        header: 'When',
        disableGrow: true,
        cell: ({ row }: Cell) => <Time at={row.original.timestamp} />,
      },
      {
        id: 'severity',
        header: 'Severity',
        disableGrow: true,
        cell: ({ row }: Cell) => <SeverityBadge severity={row.original.severity} />,
      },
      {
        id: 'ruleName',
        header: 'Rule',
        cell: ({ row }: Cell) => (
          <TextLink inline={false} href={links.violation(row.original.id)}>
            {row.original.ruleName}
          </TextLink>
        ),
      },
      { id: 'message', header: 'What happened', cell: ({ row }: Cell) => <Prose text={row.original.message} /> },
      {
        id: 'services',
        header: 'Services',
        cell: ({ row }: Cell) => row.original.context.services ?? '',
      },
      {
        id: 'traceId',
        header: 'Trace',
        disableGrow: true,
        cell: ({ row }: Cell) => (
          <TextLink inline={false} href={links.trace(row.original.traceId)} title={row.original.traceId}>
            {row.original.traceId.slice(0, 8)}
          </TextLink>
        ),
      },
    ],
    []
  );
  return <InteractiveTable columns={columns} data={violations} getRowId={(violation) => violation.id} />;
}

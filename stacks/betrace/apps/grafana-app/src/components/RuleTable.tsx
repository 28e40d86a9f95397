import { useMemo } from 'react';
import { css } from '@emotion/css';
import {
  IconButton,
  InteractiveTable,
  Stack,
  Switch,
  TagList,
  TextLink,
  type CellProps,
  type Column,
} from '@grafana/ui';
import { SEVERITIES, type Rule } from '../api/types';
import { links } from '../lib/links';
import { SeverityBadge } from './SeverityBadge';
import { Time } from './Time';

interface Props {
  rules: Rule[];
  writable: boolean;
  onEnabled: (rule: Rule, enabled: boolean) => void;
  onDelete: (rule: Rule) => void;
}

type Cell = CellProps<Rule>;

const PAGE = 25;

const atStart = css({ justifyContent: 'flex-start' });

export function RuleTable({ rules, writable, onEnabled, onDelete }: Props) {
  const columns = useMemo<Array<Column<Rule>>>(() => {
    const shown: Array<Column<Rule>> = [
      {
        id: 'enabled',
        header: 'Enabled',
        disableGrow: true,
        cell: ({ row }: Cell) => (
          <Switch
            aria-label={`Enable ${row.original.name}`}
            value={row.original.enabled}
            disabled={!writable}
            onChange={(event) => onEnabled(row.original, event.currentTarget.checked)}
          />
        ),
      },
      {
        id: 'name',
        header: 'Name',
        sortType: 'string',
        cell: ({ row }: Cell) => (
          <TextLink inline={false} href={links.rule(row.original.id)}>
            {row.original.name}
          </TextLink>
        ),
      },
      {
        id: 'severity',
        header: 'Severity',
        disableGrow: true,
        sortType: (a, b) => SEVERITIES.indexOf(a.original.severity) - SEVERITIES.indexOf(b.original.severity),
        cell: ({ row }: Cell) => <SeverityBadge severity={row.original.severity} />,
      },
      { id: 'tags', header: 'Tags', cell: ({ row }: Cell) => <TagList className={atStart} tags={row.original.tags} /> },
      {
        id: 'updatedAt',
        header: 'Changed',
        disableGrow: true,
        sortType: 'string',
        cell: ({ row }: Cell) => <Time at={row.original.updatedAt} />,
      },
    ];
    if (writable) {
      shown.push({
        id: 'actions',
        header: 'Delete',
        disableGrow: true,
        cell: ({ row }: Cell) => (
          <Stack>
            <IconButton
              name="trash-alt"
              tooltip={`Delete ${row.original.name}`}
              onClick={() => onDelete(row.original)}
            />
          </Stack>
        ),
      });
    }
    return shown;
  }, [writable, onEnabled, onDelete]);

  return <InteractiveTable columns={columns} data={rules} getRowId={(rule) => rule.id} pageSize={PAGE} />;
}

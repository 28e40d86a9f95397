import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';
import { Box, Stack, Table, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import { severities, type ViolationStats } from '../api/types';
import { severityLabel } from '../parts/Severity';
import { type Range, rangeLabel } from '../time/range';
import { type ChartRow, chartRows } from './chart';
import classes from './ViolationsChart.module.css';

const series = severities.map((severity) => ({
  name: severity,
  label: severityLabel[severity],
  color: `var(--bt-chart-${severity.toLowerCase()})`,
}));

/** Violations over time, stacked by severity; the same as a table for those who don't see it. */
export function ViolationsChart({ range, stats }: { range: Range; stats: ViolationStats }) {
  const rows = useMemo(() => chartRows(range, stats.buckets), [range, stats.buckets]);
  const total = stats.totalCount;
  return (
    <Stack component="section" className={`card ${classes.chart}`} gap="xs" aria-labelledby="over-time">
      <Title order={2} size="h4" id="over-time">
        Violations over time
      </Title>
      <Text size="sm" c="dimmed">
        {rangeLabel(range)}: {total.toLocaleString()} {total === 1 ? 'violation' : 'violations'}
      </Text>
      <Box aria-hidden>
        <BarChart
          h={220}
          data={rows}
          dataKey="label"
          type="stacked"
          series={series}
          withLegend
          legendProps={{ verticalAlign: 'bottom', itemSorter: null }}
          gridAxis="x"
          tickLine="none"
          yAxisProps={{ allowDecimals: false, width: 36, interval: 0 }}
          xAxisProps={{ minTickGap: 16 }}
          barProps={{ isAnimationActive: false, maxBarSize: 28 }}
          tooltipAnimationDuration={0}
          barChartProps={{ accessibilityLayer: false, margin: { top: 12 } }}
        />
      </Box>
      <details className={classes.table}>
        <summary>As a table</summary>
        <BucketTable rows={rows} />
      </details>
    </Stack>
  );
}

function BucketTable({ rows }: { rows: ChartRow[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard
    <section className={classes.scroll} tabIndex={0} aria-label="Violations over time, as a table">
      <Table horizontalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">From</Table.Th>
            {severities.map((severity) => (
              <Table.Th key={severity} scope="col">
                {severityLabel[severity]}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows are places in time and never move
            <Table.Tr key={index}>
              <Table.Th scope="row">{row.label}</Table.Th>
              {severities.map((severity) => (
                <Table.Td key={severity}>{row[severity]}</Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

import { Anchor, Button, Grid, SegmentedControl, Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import { IconListCheck, IconShieldCheck } from '@tabler/icons-react';
import { Link, useSearchParams } from 'react-router';
import { useRules } from '../api/rules';
import type { ViolationStats } from '../api/types';
import { useStats, useViolations } from '../api/violations';
import { ErrorNotice } from '../parts/ErrorNotice';
import { Page } from '../parts/Page';
import { Empty, Loading } from '../parts/States';
import { isRange, type Range, rangeLabel, ranges } from '../time/range';
import { noFilters, violationsLink, violationsQuery } from '../violations/query';
import { ViolationList } from '../violations/ViolationList';
import { SeverityCards } from './SeverityCards';
import { TopRules } from './TopRules';
import { ViolationsChart } from './ViolationsChart';

const latest = { ...noFilters, pageSize: 5 };

export default function DashboardPage() {
  const [search, setSearch] = useSearchParams();
  const asked = search.get('range');
  const range: Range = isRange(asked) ? asked : '24h';
  const stats = useStats(range);
  return (
    <Page
      title="Dashboard"
      lead="What broke the rules, as traces come in."
      aside={<RangeChoice range={range} onChange={(value) => setSearch({ range: value }, { replace: true })} />}
    >
      {stats.error && (
        <ErrorNotice title="The counts could not be loaded" error={stats.error} onRetry={() => stats.refetch()} />
      )}
      {stats.data ? (
        <Figures range={range} stats={stats.data} />
      ) : (
        stats.isPending && <Loading what="the counts" />
      )}
      <Latest />
    </Page>
  );
}

function RangeChoice({ range, onChange }: { range: Range; onChange: (range: string) => void }) {
  return (
    <SegmentedControl
      aria-label="Time"
      value={range}
      onChange={onChange}
      data={ranges.map((value) => ({
        value,
        label: (
          <>
            <span aria-hidden>{value.replace(/(\d+)/, '$1 ')}</span>
            <VisuallyHidden>{rangeLabel(value)}</VisuallyHidden>
          </>
        ),
      }))}
    />
  );
}

function Figures({ range, stats }: { range: Range; stats: ViolationStats }) {
  return (
    <>
      <SeverityCards range={range} stats={stats} />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <ViolationsChart range={range} stats={stats} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <TopRules range={range} rules={stats.byRule} total={stats.totalCount} />
        </Grid.Col>
      </Grid>
    </>
  );
}

function Latest() {
  const violations = useViolations(() => violationsQuery(latest, new Date()).toString(), ['latest'], true);
  const list = violations.data?.violations ?? [];
  return (
    <Stack component="section" gap="xs" aria-labelledby="latest">
      <Title order={2} size="h4" id="latest">
        Latest violations
      </Title>
      {violations.error && (
        <ErrorNotice
          title="The latest violations could not be loaded"
          error={violations.error}
          onRetry={() => violations.refetch()}
        />
      )}
      {violations.isPending && <Loading what="violations" />}
      {violations.data && list.length === 0 && <NothingYet />}
      {list.length > 0 && (
        <>
          <ViolationList violations={list} label="Latest violations" />
          <Text size="sm">
            <Anchor component={Link} to={violationsLink({})}>
              All violations
            </Anchor>
          </Text>
        </>
      )}
    </Stack>
  );
}

/** Without rules there is nothing to break: says which of the two it is. */
function NothingYet() {
  const rules = useRules();
  if (rules.data?.totalCount === 0) {
    return (
      <div className="card">
        <Empty
          icon={IconListCheck}
          title="There are no rules yet"
          action={
            <Button component={Link} to="/rules/new" mt="sm">
              Write the first rule
            </Button>
          }
        >
          A rule says when something happens in a trace, and what must always or never happen in the same trace.
        </Empty>
      </div>
    );
  }
  return (
    <div className="card">
      <Empty icon={IconShieldCheck} title="No rule has been broken">
        A violation appears here a few seconds after the last span of the trace that breaks a rule.
      </Empty>
    </div>
  );
}

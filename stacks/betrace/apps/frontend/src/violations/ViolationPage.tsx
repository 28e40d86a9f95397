import { Anchor, Button, Stack, Text, Title } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useRules } from '../api/rules';
import type { Violation } from '../api/types';
import { useViolation } from '../api/violations';
import { useConfig } from '../config';
import { ErrorNotice } from '../parts/ErrorNotice';
import { Facts } from '../parts/Facts';
import { CopyableId } from '../parts/Id';
import { Page } from '../parts/Page';
import { SeverityPill } from '../parts/Severity';
import { Loading } from '../parts/States';
import { Ago, At } from '../parts/Time';
import { parseTime } from '../time/format';
import { traceLink } from '../trace/grafana';
import { TraceSection } from '../trace/TraceSection';
import { violationsLink } from './query';
import { Signature } from './Signature';

/** Everything that is known of one violation. */
export function ViolationPage({ id }: { id: string }) {
  const violation = useViolation(id);
  return (
    <Page
      title="Violation"
      lead={
        <Anchor component={Link} to={violationsLink({})}>
          All violations
        </Anchor>
      }
      aside={violation.data && <GrafanaButton violation={violation.data} />}
    >
      {violation.error && (
        <ErrorNotice
          title="The violation could not be loaded"
          error={violation.error}
          onRetry={() => violation.refetch()}
        />
      )}
      {violation.isPending && <Loading what="the violation" />}
      {violation.data && <Details violation={violation.data} />}
    </Page>
  );
}

function Details({ violation }: { violation: Violation }) {
  return (
    <>
      <Stack component="section" className="card" p="md" aria-labelledby="what">
        <Title order={2} size="h3" id="what">
          {violation.ruleName || violation.ruleId}
        </Title>
        <Text>{violation.message}</Text>
        <Facts facts={facts(violation)} />
      </Stack>
      <TraceSection violation={violation} />
    </>
  );
}

const contextNames: Record<string, string> = { rootSpan: 'First span', services: 'Services', spans: 'Spans' };

function facts(violation: Violation): [string, ReactNode][] {
  const context = Object.entries(violation.context).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ['Severity', <SeverityPill key="severity" severity={violation.severity} />],
    [
      'Time',
      <span key="time">
        <At time={violation.timestamp} /> (<Ago time={violation.timestamp} />)
      </span>,
    ],
    ['Rule', <RuleLink key="rule" violation={violation} />],
    ['Trace', <TraceIdLink key="trace" traceId={violation.traceId} />],
    ...context.map(([name, value]): [string, ReactNode] => [contextNames[name] ?? name, value]),
    ['Signature', <Signature key="signature" violation={violation} />],
  ];
}

function TraceIdLink({ traceId }: { traceId: string }) {
  return (
    <>
      <CopyableId value={traceId} what="trace id" />{' '}
      <Anchor component={Link} to={violationsLink({ traceId })} size="sm">
        Violations of this trace
      </Anchor>
    </>
  );
}

/** The rule may be gone since. */
function RuleLink({ violation }: { violation: Violation }) {
  const rules = useRules();
  const gone = rules.data && !rules.data.rules.some((rule) => rule.id === violation.ruleId);
  if (gone) return <span>{violation.ruleId} (deleted)</span>;
  return (
    <Anchor component={Link} to={`/rules/${encodeURIComponent(violation.ruleId)}`}>
      {violation.ruleName || violation.ruleId}
    </Anchor>
  );
}

function GrafanaButton({ violation }: { violation: Violation }) {
  const link = traceLink(useConfig(), violation.traceId, parseTime(violation.timestamp));
  if (link === null) return null;
  return (
    <Button
      component="a"
      href={link}
      target="_blank"
      rel="noreferrer"
      variant="default"
      rightSection={<IconExternalLink size={16} aria-hidden />}
    >
      Open the trace in Grafana
    </Button>
  );
}

import { useState } from 'react';
import { PluginPage } from '@grafana/runtime';
import { Button, EmptyState, LoadingPlaceholder, RadioButtonGroup, Stack, TextLink } from '@grafana/ui';
import { api } from '../api/client';
import { toApiError } from '../api/errors';
import type { Rule } from '../api/types';
import { Failure } from '../components/Failure';
import { NavButton } from '../components/NavButton';
import { Section } from '../components/Section';
import { Tiles } from '../components/Tiles';
import { ViolationChart } from '../components/ViolationChart';
import { ViolationTable } from '../components/ViolationTable';
import { canWrite } from '../lib/access';
import { whyNotReady } from '../lib/format';
import { links } from '../lib/links';
import { useLoad } from '../lib/useLoad';

const HOUR = 3_600_000;

const PERIODS = [
  { label: '1 hour', value: 'now-1h', ms: HOUR, buckets: 30 },
  { label: '24 hours', value: 'now-24h', ms: 24 * HOUR, buckets: 48 },
  { label: '7 days', value: 'now-7d', ms: 7 * 24 * HOUR, buckets: 56 },
  { label: '30 days', value: 'now-30d', ms: 30 * 24 * HOUR, buckets: 60 },
];

const LATEST = 8;

export function Overview() {
  const [from, setFrom] = useState('now-24h');
  const period = PERIODS.find(({ value }) => value === from) ?? PERIODS[1];
  const { data, error, loading, reload } = useLoad(from, async () => {
    const end = Date.now();
    const range = { startTime: new Date(end - period.ms).toISOString(), endTime: new Date(end).toISOString() };
    const [stats, latest, { rules }, backend] = await Promise.all([
      api.stats({ ...range, buckets: period.buckets }),
      api.violations({ ...range, limit: LATEST }),
      api.rules(),
      readiness(),
    ]);
    return { stats, latest: latest.violations, rules, backend, range };
  });

  const actions = (
    <Stack gap={1} wrap="wrap">
      <RadioButtonGroup
        aria-label="Period"
        options={PERIODS.map(({ label, value }) => ({ label, value }))}
        value={from}
        onChange={setFrom}
      />
      <Button variant="secondary" icon={loading ? 'spinner' : 'sync'} tooltip="Refresh" onClick={reload} />
    </Stack>
  );

  return (
    <PluginPage subTitle="Rules over traces, and the traces that broke them" actions={actions}>
      {error && <Failure title="The overview cannot be shown" error={error} onRetry={reload} />}
      {!data && !error && <LoadingPlaceholder text="Loading…" />}
      {data && data.rules.length === 0 && <FirstRule />}
      {data && (
        <>
          <Tiles {...data} />
          <Section title="Violations over time">
            <ViolationChart buckets={data.stats.buckets} end={data.range.endTime} />
          </Section>
          <Section title="Latest violations" more={{ text: 'All violations', href: links.violations({ from }) }}>
            {data.latest.length > 0 ? (
              <ViolationTable violations={data.latest} />
            ) : (
              <p>No trace has broken a rule in this time.</p>
            )}
          </Section>
          {data.stats.byRule.length > 0 && (
            <Section title="Rules broken most" more={{ text: 'All rules', href: links.rules }}>
              <BrokenMost counts={data.stats.byRule.slice(0, 5)} rules={data.rules} from={from} />
            </Section>
          )}
        </>
      )}
    </PluginPage>
  );
}

/** That the backend is not ready is news for the overview, not a failure of it. */
async function readiness(): Promise<{ ready: boolean; why: string }> {
  try {
    const answer = await api.ready();
    return { ready: answer.status === 'HEALTHY', why: whyNotReady(answer) };
  } catch (failure) {
    return { ready: false, why: toApiError(failure).message };
  }
}

function FirstRule() {
  return (
    <EmptyState
      variant="call-to-action"
      message="There are no rules yet"
      button={canWrite() ? <NavButton href={links.newRule}>Write the first rule</NavButton> : undefined}
    >
      A rule says what must always or never happen in a trace.
    </EmptyState>
  );
}

interface BrokenMostProps {
  counts: Array<{ ruleId: string; ruleName: string; count: number }>;
  rules: Rule[];
  from: string;
}

function BrokenMost({ counts, rules, from }: BrokenMostProps) {
  const names = new Map(rules.map((rule) => [rule.id, rule.name]));
  return (
    <Stack direction="column" gap={0.5}>
      {counts.map(({ ruleId, ruleName, count }) => (
        <Stack key={ruleId} gap={2} justifyContent="space-between">
          <TextLink inline={false} href={links.violations({ ruleId, from })}>
            {names.get(ruleId) ?? `${ruleName} (deleted)`}
          </TextLink>
          <span>{count.toLocaleString()}</span>
        </Stack>
      ))}
    </Stack>
  );
}

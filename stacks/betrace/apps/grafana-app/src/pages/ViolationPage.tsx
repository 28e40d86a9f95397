import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { PluginPage } from '@grafana/runtime';
import { Badge, LoadingPlaceholder, Stack, TextLink, useStyles2 } from '@grafana/ui';
import { api } from '../api/client';
import type { Violation } from '../api/types';
import { Failure } from '../components/Failure';
import { NavButton } from '../components/NavButton';
import { NotFound } from '../components/NotFound';
import { Prose } from '../components/Prose';
import { Section } from '../components/Section';
import { SeverityBadge } from '../components/SeverityBadge';
import { SpanList } from '../components/SpanList';
import { TempoButton } from '../components/TempoButton';
import { Time } from '../components/Time';
import { links } from '../lib/links';
import { useLoad } from '../lib/useLoad';

export function ViolationPage({ id }: { id: string }) {
  const { data, error, reload } = useLoad(id, () => api.violation(id));
  if (error?.notFound) {
    return <NotFound what="violation" />;
  }
  return (
    <PluginPage
      pageNav={{ text: data?.ruleName ?? 'Violation', parentItem: { text: 'Violations', url: links.violations() } }}
      actions={data && <Actions violation={data} />}
    >
      {error && <Failure title="The violation cannot be shown" error={error} onRetry={reload} />}
      {!data && !error && <LoadingPlaceholder text="Loading…" />}
      {data && (
        <>
          <Facts violation={data} />
          <Spans violation={data} />
        </>
      )}
    </PluginPage>
  );
}

function Actions({ violation }: { violation: Violation }) {
  return (
    <Stack gap={1}>
      <NavButton variant="secondary" href={links.rule(violation.ruleId)}>
        Rule
      </NavButton>
      <TempoButton variant="primary" traceId={violation.traceId} around={violation.timestamp} />
    </Stack>
  );
}

function Facts({ violation }: { violation: Violation }) {
  const styles = useStyles2(getStyles);
  const facts: Array<[string, React.ReactNode]> = [
    ['What happened', <Prose text={violation.message} />],
    ['Severity', <SeverityBadge severity={violation.severity} />],
    ['When', <Time at={violation.timestamp} />],
    [
      'Trace',
      <TextLink inline={false} href={links.trace(violation.traceId)}>
        {violation.traceId}
      </TextLink>,
    ],
    ...context(violation),
    [
      'Signature',
      <Stack gap={1} wrap="wrap">
        {violation.verified ? (
          <Badge color="green" icon="shield" text="verified" />
        ) : (
          <Badge color="red" icon="exclamation-triangle" text="does not match" />
        )}
        <span className={styles.signature}>{violation.signature}</span>
      </Stack>,
    ],
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value], i) => (
        <div key={i}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const CONTEXT: Record<string, string> = { rootSpan: 'Root span', services: 'Services', spans: 'Spans' };

/** What the backend tells of the trace; a key that is not known yet is shown as it is. */
function context(violation: Violation): Array<[string, string]> {
  const entries = Object.entries(violation.context).map(([key, value]): [string, string] => [
    CONTEXT[key] ?? key,
    value,
  ]);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}

function Spans({ violation }: { violation: Violation }) {
  const { data, error, reload } = useLoad(violation.traceId, () => api.trace(violation.traceId));
  return (
    <Section title="Spans of the trace" more={{ text: 'The whole trace', href: links.trace(violation.traceId) }}>
      {error?.notFound && <p>The backend keeps the spans of this trace no longer; Tempo may still have them.</p>}
      {error && !error.notFound && <Failure title="The spans cannot be shown" error={error} onRetry={reload} />}
      {!data && !error && <LoadingPlaceholder text="Loading…" />}
      {data && <SpanList spans={data.spans} marked={violation.spanIds} />}
    </Section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  facts: css({
    margin: 0,
    '& > div': {
      display: 'grid',
      gridTemplateColumns: 'minmax(110px, 180px) minmax(0, 1fr)',
      gap: theme.spacing(2),
      padding: theme.spacing(0.5, 0),
    },
    '& dt': { color: theme.colors.text.secondary, fontWeight: 'normal' },
    '& dd': { margin: 0, overflowWrap: 'anywhere' },
  }),
  signature: css({ fontFamily: theme.typography.fontFamilyMonospace, overflowWrap: 'anywhere' }),
});

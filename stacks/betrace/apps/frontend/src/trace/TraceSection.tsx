import { Group, Stack, Text, Title } from '@mantine/core';
import { IconTimelineEventX } from '@tabler/icons-react';
import { useMemo } from 'react';
import { ApiError } from '../api/error';
import type { Trace, Violation } from '../api/types';
import { useTrace } from '../api/violations';
import { ErrorNotice } from '../parts/ErrorNotice';
import { Empty, Loading } from '../parts/States';
import { formatNanos } from '../time/format';
import { buildWaterfall } from './rows';
import { Waterfall } from './Waterfall';

/** The spans of the trace that a violation is about, with those that its rule found marked. */
export function TraceSection({ violation }: { violation: Violation }) {
  const trace = useTrace(violation.traceId);
  const gone = trace.error instanceof ApiError && trace.error.status === 404;
  return (
    <Stack component="section" className="card" p="md" aria-labelledby="spans">
      <Title order={2} size="h4" id="spans">
        Spans of the trace
      </Title>
      {trace.isPending && <Loading what="the spans" />}
      {trace.error && !gone && (
        <ErrorNotice title="The spans could not be loaded" error={trace.error} onRetry={() => trace.refetch()} />
      )}
      {gone && (
        <Empty icon={IconTimelineEventX} title="The backend does not have the spans any more">
          It keeps those of the latest violations. Tempo may still have the trace.
        </Empty>
      )}
      {trace.data && <Spans trace={trace.data} violation={violation} />}
    </Stack>
  );
}

function Spans({ trace, violation }: { trace: Trace; violation: Violation }) {
  const { rows, durationNanos } = useMemo(() => buildWaterfall(trace.spans), [trace.spans]);
  const matched = useMemo(
    () => new Set([...violation.spanIds, violation.spanId]),
    [violation.spanIds, violation.spanId],
  );
  const found = rows.filter((row) => matched.has(row.span.spanId)).length;
  return (
    <>
      <Group gap="xs">
        <Text size="sm" c="dimmed">
          {rows.length.toLocaleString()} {rows.length === 1 ? 'span' : 'spans'} in {formatNanos(durationNanos)};{' '}
          {found.toLocaleString()} of them found by the rule.
        </Text>
      </Group>
      <Waterfall rows={rows} matched={matched} />
    </>
  );
}

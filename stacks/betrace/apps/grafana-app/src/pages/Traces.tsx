import { useState, type FormEvent } from 'react';
import { useNavigate } from 'react-router';
import { PluginPage } from '@grafana/runtime';
import { Alert, Badge, Button, Field, Input, LoadingPlaceholder, Stack, TextLink } from '@grafana/ui';
import { api } from '../api/client';
import type { Trace } from '../api/types';
import { Failure } from '../components/Failure';
import { Section } from '../components/Section';
import { SpanList } from '../components/SpanList';
import { TempoButton } from '../components/TempoButton';
import { parseTraceId } from '../lib/format';
import { links } from '../lib/links';
import { useLoad } from '../lib/useLoad';

/** Looks a trace up by its id; without one it only asks for it. */
export function Traces({ id }: { id: string }) {
  const navigate = useNavigate();
  const traceId = parseTraceId(id);
  return (
    <PluginPage
      subTitle="What BeTrace knows of a trace"
      actions={traceId && <TempoButton traceId={traceId} />}
      {...(id && { pageNav: { text: id, parentItem: { text: 'Traces', url: links.traces } } })}
    >
      <Lookup initial={id} onFound={(found) => navigate(links.trace(found))} />
      {id && !traceId && <Alert severity="warning" title="This is not the id of a trace" />}
      {traceId && <Found traceId={traceId} />}
    </PluginPage>
  );
}

function Lookup({ initial, onFound }: { initial: string; onFound: (traceId: string) => void }) {
  const [text, setText] = useState(initial);
  const [asked, setAsked] = useState(false);
  const traceId = parseTraceId(text);
  const wrong = asked && !traceId;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (traceId) {
      onFound(traceId);
    }
  };
  return (
    <form onSubmit={submit} role="search">
      <Field
        label="Trace id"
        htmlFor="trace-id"
        invalid={wrong}
        error={wrong ? '32 hexadecimal digits are needed' : undefined}
      >
        <Stack gap={1}>
          <Input
            id="trace-id"
            value={text}
            spellCheck={false}
            placeholder="4bf92f3577b34da6a3ce929d0e0e4736"
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit" icon="search">
            Look up
          </Button>
        </Stack>
      </Field>
    </form>
  );
}

function Found({ traceId }: { traceId: string }) {
  const { data, error, reload } = useLoad(traceId, () => api.trace(traceId));
  if (error?.notFound) {
    return (
      <Alert severity="info" title="BeTrace does not know this trace">
        It keeps the spans of traces that wait to be judged and of those that broke a rule. Others are in Tempo only.
      </Alert>
    );
  }
  if (error) {
    return <Failure title="The trace cannot be shown" error={error} onRetry={reload} />;
  }
  return data ? <TraceView trace={data} /> : <LoadingPlaceholder text="Loading…" />;
}

function TraceView({ trace }: { trace: Trace }) {
  const { data } = useLoad('rules', api.rules);
  const names = new Map(data?.rules.map((rule) => [rule.id, rule.name]));
  return (
    <>
      <Stack gap={1} alignItems="center" wrap="wrap">
        {trace.complete ? (
          <Badge color="green" icon="check" text="judged" />
        ) : (
          <Badge color="blue" icon="hourglass" text="waits for more spans" />
        )}
        {trace.violatedRuleIds.length > 0 && <span>Broke:</span>}
        {trace.violatedRuleIds.map((ruleId) => (
          <TextLink key={ruleId} href={links.violations({ ruleId, traceId: trace.traceId, from: 'now-90d' })}>
            {names.get(ruleId) ?? ruleId}
          </TextLink>
        ))}
      </Stack>
      <Section title={trace.spans.length === 1 ? '1 span' : `${trace.spans.length} spans`}>
        <SpanList spans={trace.spans} />
      </Section>
    </>
  );
}

import { useEffect, useState } from 'react';
import { Combobox, Field, Input, Stack, TimeRangeInput } from '@grafana/ui';
import { SEVERITIES, type Rule } from '../api/types';
import type { ViolationFilter } from '../lib/filter';
import { parseTraceId } from '../lib/format';
import { toRange } from '../lib/range';

interface Props {
  filter: ViolationFilter;
  rules: Rule[];
  onChange: (change: Partial<ViolationFilter>) => void;
}

export function ViolationFilters({ filter, rules, onChange }: Props) {
  const options = rules.map(({ id, name }) => ({ value: id, label: name }));
  // A rule that was deleted still has its violations.
  if (filter.ruleId && !rules.some(({ id }) => id === filter.ruleId)) {
    options.push({ value: filter.ruleId, label: filter.ruleId });
  }
  return (
    <Stack wrap="wrap" gap={2} alignItems="flex-start">
      <Field label="Time" noMargin>
        <TimeRangeInput
          value={toRange(filter)}
          onChange={({ raw }) => onChange({ from: rawTime(raw.from), to: rawTime(raw.to) })}
        />
      </Field>
      <Field label="Rule" htmlFor="filter-rule" noMargin>
        <Combobox
          id="filter-rule"
          width={40}
          isClearable
          placeholder="Any rule"
          options={options}
          value={filter.ruleId || null}
          onChange={(option) => onChange({ ruleId: option?.value ?? '' })}
        />
      </Field>
      <Field label="Severity" htmlFor="filter-severity" noMargin>
        <Combobox
          id="filter-severity"
          width={20}
          isClearable
          placeholder="Any severity"
          options={SEVERITIES.map((value) => ({ value, label: value }))}
          value={filter.severity || null}
          onChange={(option) => onChange({ severity: option?.value ?? '' })}
        />
      </Field>
      <TraceIdFilter traceId={filter.traceId} onChange={(traceId) => onChange({ traceId })} />
    </Stack>
  );
}

function TraceIdFilter({ traceId, onChange }: { traceId: string; onChange: (traceId: string) => void }) {
  const [text, setText] = useState(traceId);
  useEffect(() => setText(traceId), [traceId]);
  const wrong = text.trim() !== '' && !parseTraceId(text);
  const change = (typed: string) => {
    setText(typed);
    const next = typed.trim() === '' ? '' : parseTraceId(typed);
    if (next !== undefined && next !== traceId) {
      onChange(next);
    }
  };
  return (
    <Field
      label="Trace id"
      htmlFor="filter-trace"
      noMargin
      invalid={wrong}
      error={wrong ? '32 hexadecimal digits' : undefined}
    >
      <Input
        id="filter-trace"
        width={40}
        placeholder="Any trace"
        value={text}
        onChange={(event) => change(event.currentTarget.value)}
      />
    </Field>
  );
}

/** A chosen time as it goes in an address: words such as `now-6h` as they are, else milliseconds. */
function rawTime(time: string | { valueOf(): number }): string {
  return typeof time === 'string' ? time : String(time.valueOf());
}

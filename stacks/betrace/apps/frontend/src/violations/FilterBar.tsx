import { Button, NativeSelect, Select, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useRules } from '../api/rules';
import { severities } from '../api/types';
import { severityLabel } from '../parts/Severity';
import { rangeLabel, ranges } from '../time/range';
import classes from './FilterBar.module.css';
import { type Filters, isFiltered, noFilters, parseFilters } from './query';

interface Props {
  filters: Filters;
  problems: { traceId?: string; to?: string };
  onChange: (part: Partial<Filters>) => void;
}

export function FilterBar({ filters, problems, onChange }: Props) {
  return (
    <search className={classes.filters}>
      <RuleFilter ruleId={filters.ruleId} onChange={(ruleId) => onChange({ ruleId })} />
      <NativeSelect
        label="Severity"
        value={filters.severity}
        onChange={(event) => onChange({ severity: event.currentTarget.value as Filters['severity'] })}
        data={[
          { value: '', label: 'All' },
          ...severities.map((value) => ({ value, label: severityLabel[value] })),
        ]}
      />
      <NativeSelect
        label="Time"
        value={filters.range}
        onChange={(event) => onChange({ range: event.currentTarget.value as Filters['range'] })}
        data={[
          { value: '', label: 'All time' },
          ...ranges.map((value) => ({ value, label: rangeLabel(value) })),
          { value: 'custom', label: 'From … to …' },
        ]}
      />
      <TraceFilter traceId={filters.traceId} problem={problems.traceId} onChange={onChange} />
      {filters.range === 'custom' && (
        <>
          <TextInput
            type="datetime-local"
            label="From"
            value={filters.from}
            onChange={(event) => onChange({ from: event.currentTarget.value })}
          />
          <TextInput
            type="datetime-local"
            label="To, not included"
            value={filters.to}
            error={problems.to}
            onChange={(event) => onChange({ to: event.currentTarget.value })}
          />
        </>
      )}
      {isFiltered(filters) && (
        <Button
          variant="default"
          className={classes.clear ?? ''}
          onClick={() => onChange({ ...noFilters, pageSize: filters.pageSize })}
        >
          Clear the filters
        </Button>
      )}
    </search>
  );
}

function RuleFilter({ ruleId, onChange }: { ruleId: string; onChange: (ruleId: string) => void }) {
  const rules = useRules().data?.rules ?? [];
  const options = rules.map((rule) => ({ value: rule.id, label: rule.name }));
  // A rule that has been deleted still has violations.
  if (ruleId !== '' && !rules.some((rule) => rule.id === ruleId)) options.push({ value: ruleId, label: ruleId });
  return (
    <Select
      className={classes.wide}
      label="Rule"
      placeholder="All"
      searchable
      clearable
      limit={100}
      data={options}
      value={ruleId === '' ? null : ruleId}
      onChange={(value) => onChange(value ?? '')}
      nothingFoundMessage="No such rule"
      clearButtonProps={{ 'aria-label': 'All rules' }}
    />
  );
}

interface TraceFilterProps {
  traceId: string;
  problem: string | undefined;
  onChange: (part: Partial<Filters>) => void;
}

/** Takes effect on Enter or when it is left: an id that is half typed is no filter. */
function TraceFilter({ traceId, problem, onChange }: TraceFilterProps) {
  const [text, setText] = useState(traceId);
  useEffect(() => setText(traceId), [traceId]);
  const apply = () => {
    const cleaned = parseFilters(new URLSearchParams({ trace: text })).traceId;
    if (cleaned !== traceId) onChange({ traceId: cleaned });
  };
  return (
    <TextInput
      className={classes.wide}
      label="Trace id"
      placeholder="32 hexadecimal digits"
      classNames={{ input: 'mono' }}
      value={text}
      error={problem}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  );
}

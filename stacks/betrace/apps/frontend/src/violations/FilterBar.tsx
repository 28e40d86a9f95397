import { Button, NativeSelect, Select } from '@mantine/core';
import { useRules } from '../api/rules';
import { severities } from '../api/types';
import { severityLabel } from '../parts/Severity';
import { rangeLabel, ranges } from '../time/range';
import classes from './FilterBar.module.css';
import { cleanTraceId, type Filters, isFiltered, noFilters } from './query';
import { SettledInput } from './SettledInput';

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
      <SettledInput
        className={classes.wide}
        label="Trace id"
        placeholder="32 hexadecimal digits"
        classNames={{ input: 'mono' }}
        value={filters.traceId}
        error={problems.traceId}
        spellCheck={false}
        autoComplete="off"
        onSettle={(traceId) => onChange({ traceId: cleanTraceId(traceId) })}
      />
      {filters.range === 'custom' && (
        <div className={classes.times}>
          <SettledInput
            type="datetime-local"
            label="From"
            value={filters.from}
            onSettle={(from) => onChange({ from })}
          />
          <SettledInput
            type="datetime-local"
            label="To, not included"
            value={filters.to}
            error={problems.to}
            onSettle={(to) => onChange({ to })}
          />
        </div>
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

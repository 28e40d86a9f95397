import { Button, Group, NativeSelect, Pagination, Text, TextInput } from '@mantine/core';
import { IconListCheck, IconPlus, IconSearch, IconSearchOff } from '@tabler/icons-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { Link } from 'react-router';
import { useRules } from '../api/rules';
import { type Rule, severities } from '../api/types';
import { ErrorNotice } from '../parts/ErrorNotice';
import { Page } from '../parts/Page';
import { severityLabel } from '../parts/Severity';
import { Empty, Loading } from '../parts/States';
import { filterRules, type RuleFilter } from './filter';
import { RuleRow } from './RuleRow';
import classes from './RulesPage.module.css';

const pageSize = 50;

export function RulesPage() {
  const rules = useRules();
  return (
    <Page
      title="Rules"
      lead="What every trace is held to."
      aside={
        <Button component={Link} to="/rules/new" leftSection={<IconPlus size={18} aria-hidden />}>
          New rule
        </Button>
      }
    >
      {rules.error && (
        <ErrorNotice title="The rules could not be loaded" error={rules.error} onRetry={() => rules.refetch()} />
      )}
      {rules.isPending && <Loading what="rules" />}
      {rules.data && (rules.data.rules.length > 0 ? <RuleList rules={rules.data.rules} /> : <NoRules />)}
    </Page>
  );
}

function NoRules() {
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

function RuleList({ rules }: { rules: Rule[] }) {
  const [filter, setFilter] = useState<RuleFilter>({ text: '', severity: '', state: '' });
  const [page, setPage] = useState(1);
  const deferred = useDeferredValue(filter);
  const found = useMemo(() => filterRules(rules, deferred), [rules, deferred]);
  const pages = Math.max(1, Math.ceil(found.length / pageSize));
  const current = Math.min(page, pages);
  const shown = found.slice((current - 1) * pageSize, current * pageSize);
  const change = (part: Partial<RuleFilter>) => {
    setFilter({ ...filter, ...part });
    setPage(1);
  };
  return (
    <>
      <search className={classes.filters}>
        <TextInput
          label="Find"
          placeholder="Name, tag or part of the expression"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={filter.text}
          onChange={(event) => change({ text: event.currentTarget.value })}
        />
        <NativeSelect
          label="Severity"
          value={filter.severity}
          onChange={(event) => change({ severity: event.currentTarget.value })}
          data={[
            { value: '', label: 'All' },
            ...severities.map((value) => ({ value, label: severityLabel[value] })),
          ]}
        />
        <NativeSelect
          label="State"
          value={filter.state}
          onChange={(event) => change({ state: event.currentTarget.value as RuleFilter['state'] })}
          data={[
            { value: '', label: 'All' },
            { value: 'enabled', label: 'Enabled' },
            { value: 'disabled', label: 'Disabled' },
          ]}
        />
      </search>
      <Text size="sm" c="dimmed" role="status">
        {found.length === rules.length
          ? `${rules.length.toLocaleString()} ${rules.length === 1 ? 'rule' : 'rules'}`
          : `${found.length.toLocaleString()} of ${rules.length.toLocaleString()} rules`}
      </Text>
      {found.length === 0 ? (
        <Empty icon={IconSearchOff} title="No rule fits">
          Change what is looked for, or show all severities and states.
        </Empty>
      ) : (
        <ul className={`plain-list ${classes.list}`} aria-label="Rules">
          {shown.map((rule) => (
            <RuleRow key={rule.id} rule={rule} />
          ))}
        </ul>
      )}
      {pages > 1 && (
        <Group justify="center">
          <Pagination
            total={pages}
            value={current}
            onChange={setPage}
            getControlProps={(control) => ({ 'aria-label': `${control} page` })}
          />
        </Group>
      )}
    </>
  );
}

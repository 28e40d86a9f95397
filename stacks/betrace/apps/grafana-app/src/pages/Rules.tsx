import { useMemo, useState } from 'react';
import { PluginPage } from '@grafana/runtime';
import { EmptyState, FilterInput, LoadingPlaceholder, Stack } from '@grafana/ui';
import { api } from '../api/client';
import { toApiError, type ApiError } from '../api/errors';
import type { Rule } from '../api/types';
import { DeleteRule } from '../components/DeleteRule';
import { Failure } from '../components/Failure';
import { NavButton } from '../components/NavButton';
import { RuleTable } from '../components/RuleTable';
import { canWrite } from '../lib/access';
import { links } from '../lib/links';
import { matches } from '../lib/rules';
import { useLoad } from '../lib/useLoad';

export function Rules() {
  const writable = canWrite();
  const { data, error, reload } = useLoad('rules', api.rules);
  const [search, setSearch] = useState('');
  const [failure, setFailure] = useState<ApiError>();
  const [toDelete, setToDelete] = useState<Rule>();
  const rules = useMemo(() => data?.rules.filter((rule) => matches(rule, search)) ?? [], [data, search]);

  const setEnabled = async (rule: Rule, enabled: boolean) => {
    setFailure(undefined);
    try {
      await api.setEnabled(rule.id, enabled);
    } catch (reason) {
      setFailure(toApiError(reason));
    }
    reload();
  };

  const actions = writable && (
    <NavButton icon="plus" href={links.newRule}>
      New rule
    </NavButton>
  );

  return (
    <PluginPage actions={actions} subTitle="What must always or never happen in a trace">
      {error && <Failure title="The rules cannot be shown" error={error} onRetry={reload} />}
      {failure && <Failure title="The rule was not changed" error={failure} />}
      {!data && !error && <LoadingPlaceholder text="Loading…" />}
      {data?.rules.length === 0 && <EmptyState variant="call-to-action" message="There are no rules yet" />}
      {data && data.rules.length > 0 && (
        <Stack direction="column" gap={2}>
          <FilterInput
            aria-label="Search rules"
            placeholder="Search by name, tag, severity or expression"
            escapeRegex={false}
            value={search}
            onChange={setSearch}
          />
          {rules.length > 0 ? (
            <RuleTable rules={rules} writable={writable} onEnabled={setEnabled} onDelete={setToDelete} />
          ) : (
            <EmptyState variant="not-found" message="No rule is like that" />
          )}
        </Stack>
      )}
      {toDelete && <DeleteRule rule={toDelete} onClose={() => setToDelete(undefined)} onDeleted={reload} />}
    </PluginPage>
  );
}

import { useLocation, useNavigate } from 'react-router';
import { PluginPage } from '@grafana/runtime';
import { Button, EmptyState, LoadingPlaceholder, Pagination, Stack } from '@grafana/ui';
import { api } from '../api/client';
import { Failure } from '../components/Failure';
import { ViolationFilters } from '../components/ViolationFilters';
import { ViolationTable } from '../components/ViolationTable';
import { PAGE_SIZE, readFilter, toQuery, writeFilter, type ViolationFilter } from '../lib/filter';
import { toRange } from '../lib/range';
import { useLoad } from '../lib/useLoad';

export function Violations() {
  const { search } = useLocation();
  const navigate = useNavigate();
  const filter = readFilter(search);
  // `now` in a filter is a new time at each load, so that a reload finds what came since.
  const { data, error, loading, reload } = useLoad(search, () => {
    const { from, to } = toRange(filter);
    return api.violations(toQuery(filter, { from: from.toISOString(), to: to.toISOString() }));
  });
  const rules = useLoad('rules', api.rules);

  const change = (part: Partial<ViolationFilter>) => {
    navigate({ search: writeFilter({ ...filter, page: 1, ...part }) });
  };
  const pages = Math.ceil((data?.totalCount ?? 0) / PAGE_SIZE);

  return (
    <PluginPage
      subTitle="Traces that broke a rule"
      actions={<Button variant="secondary" icon={loading ? 'spinner' : 'sync'} tooltip="Refresh" onClick={reload} />}
    >
      <Stack direction="column" gap={2}>
        <ViolationFilters filter={filter} rules={rules.data?.rules ?? []} onChange={change} />
        {error && <Failure title="The violations cannot be shown" error={error} onRetry={reload} />}
        {!data && !error && <LoadingPlaceholder text="Loading…" />}
        {data?.totalCount === 0 && (
          <EmptyState variant="completed" message="No violation">
            No trace is known that broke a rule in this way and time.
          </EmptyState>
        )}
        {data && data.totalCount > 0 && (
          <>
            <div aria-live="polite">
              {data.totalCount.toLocaleString()} {data.totalCount === 1 ? 'violation' : 'violations'}
            </div>
            <ViolationTable violations={data.violations} />
            <Pagination
              currentPage={filter.page}
              numberOfPages={pages}
              hideWhenSinglePage
              onNavigate={(page) => change({ page })}
            />
          </>
        )}
      </Stack>
    </PluginPage>
  );
}

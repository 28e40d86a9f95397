import { Group, NativeSelect, Pagination, Text } from '@mantine/core';
import { IconSearchOff, IconShieldCheck } from '@tabler/icons-react';
import { useSearchParams } from 'react-router';
import type { ViolationList as Answer } from '../api/types';
import { useViolations } from '../api/violations';
import { ErrorNotice } from '../parts/ErrorNotice';
import { Page } from '../parts/Page';
import { Empty, Loading } from '../parts/States';
import { FilterBar } from './FilterBar';
import {
  type Filters,
  filterProblems,
  filtersToSearch,
  isFiltered,
  pageSizes,
  parseFilters,
  violationsQuery,
} from './query';
import { ViolationList } from './ViolationList';

/** The filters are in the address, so that what is on the screen can be sent to someone. */
export function ViolationsPage() {
  const [search, setSearch] = useSearchParams();
  const filters = parseFilters(search);
  const change = (part: Partial<Filters>) => {
    // From the address itself: two changes can come before this page is drawn again.
    const now = parseFilters(new URLSearchParams(window.location.search));
    setSearch(filtersToSearch({ ...now, page: 1, ...part }), { replace: part.page === undefined });
  };
  const problems = filterProblems(filters);
  return (
    <Page title="Violations" lead="Traces that broke a rule, newest first.">
      <FilterBar filters={filters} problems={problems} onChange={change} />
      {Object.keys(problems).length === 0 ? (
        <Results filters={filters} onChange={change} />
      ) : (
        <Text role="status">Correct the filters to see violations.</Text>
      )}
    </Page>
  );
}

interface ResultsProps {
  filters: Filters;
  onChange: (part: Partial<Filters>) => void;
}

function Results({ filters, onChange }: ResultsProps) {
  // Later pages stand still while a person reads them.
  const live = filters.page === 1;
  const violations = useViolations(
    () => violationsQuery(filters, new Date()).toString(),
    [filtersToSearch(filters).toString()],
    live,
  );
  return (
    <>
      {violations.error && (
        <ErrorNotice
          title="The violations could not be loaded"
          error={violations.error}
          onRetry={() => violations.refetch()}
        />
      )}
      {violations.isPending && <Loading what="violations" />}
      {violations.data && <Found answer={violations.data} filters={filters} onChange={onChange} />}
    </>
  );
}

function Found({ answer, filters, onChange }: ResultsProps & { answer: Answer }) {
  const { violations, totalCount } = answer;
  const pages = Math.max(1, Math.ceil(totalCount / filters.pageSize));
  if (totalCount === 0) return <NoneFound filtered={isFiltered(filters)} />;
  const first = (filters.page - 1) * filters.pageSize + 1;
  return (
    <>
      <Text size="sm" c="dimmed" role="status">
        {violations.length === 0
          ? `There are ${totalCount.toLocaleString()}, none on this page.`
          : `${first.toLocaleString()}–${(first + violations.length - 1).toLocaleString()} of ${totalCount.toLocaleString()}`}
      </Text>
      {violations.length > 0 && <ViolationList violations={violations} label="Violations" />}
      <Group justify="space-between" align="flex-end">
        {pages > 1 || filters.page > 1 ? (
          <Pagination
            total={pages}
            value={Math.min(filters.page, pages)}
            siblings={0}
            onChange={(page) => onChange({ page })}
            getControlProps={(control) => ({ 'aria-label': `${control} page` })}
            getItemProps={(page) => ({ 'aria-label': `Page ${page}` })}
          />
        ) : (
          <span />
        )}
        <NativeSelect
          label="On a page"
          size="xs"
          value={String(filters.pageSize)}
          onChange={(event) => onChange({ pageSize: Number(event.currentTarget.value) })}
          data={pageSizes.map(String)}
        />
      </Group>
    </>
  );
}

function NoneFound({ filtered }: { filtered: boolean }) {
  return (
    <div className="card">
      {filtered ? (
        <Empty icon={IconSearchOff} title="No violation fits these filters">
          Look at a longer time, or take a filter away.
        </Empty>
      ) : (
        <Empty icon={IconShieldCheck} title="No rule has been broken">
          A violation appears here a few seconds after the last span of the trace that breaks a rule.
        </Empty>
      )}
    </div>
  );
}

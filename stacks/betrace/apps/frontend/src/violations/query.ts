// What a person filters violations by, as it stands in the address of the page, and as the backend is asked for it.

import { isSeverity, type Severity } from '../api/types';
import { isRange, type Range, rangeStart } from '../time/range';

export const pageSizes = [25, 50, 100] as const;

export interface Filters {
  ruleId: string;
  traceId: string;
  severity: Severity | '';
  /** A span of time up to now, `custom` for `from` and `to`, or all time. */
  range: Range | 'custom' | '';
  /** As a `datetime-local` field has them: the person's own clock. */
  from: string;
  to: string;
  /** From 1. */
  page: number;
  pageSize: number;
}

export const noFilters: Filters = {
  ruleId: '',
  traceId: '',
  severity: '',
  range: '',
  from: '',
  to: '',
  page: 1,
  pageSize: pageSizes[0],
};

/** Reads the address; what makes no sense in it counts as not given. */
export function parseFilters(search: URLSearchParams): Filters {
  const text = (key: string) => search.get(key)?.trim() ?? '';
  const severity = text('severity').toUpperCase();
  const range = text('range');
  const page = Number(text('page'));
  const pageSize = Number(text('pageSize'));
  return {
    ruleId: text('rule'),
    traceId: cleanTraceId(text('trace')),
    severity: isSeverity(severity) ? severity : '',
    range: isRange(range) || range === 'custom' ? range : '',
    from: localTime(text('from')) ? text('from') : '',
    to: localTime(text('to')) ? text('to') : '',
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    pageSize: pageSizes.find((size) => size === pageSize) ?? pageSizes[0],
  };
}

export function cleanTraceId(text: string): string {
  return text.trim().toLowerCase();
}

/** The address of the page with these filters: only what differs from none. */
export function filtersToSearch(filters: Filters): URLSearchParams {
  const search = new URLSearchParams();
  const put = (key: string, value: string) => value !== '' && search.set(key, value);
  put('rule', filters.ruleId);
  put('severity', filters.severity);
  put('trace', filters.traceId);
  put('range', filters.range);
  if (filters.range === 'custom') {
    put('from', filters.from);
    put('to', filters.to);
  }
  if (filters.page > 1) put('page', String(filters.page));
  if (filters.pageSize !== pageSizes[0]) put('pageSize', String(filters.pageSize));
  return search;
}

/** A link to the violations page. */
export function violationsLink(filters: Partial<Filters>): string {
  const search = filtersToSearch({ ...noFilters, ...filters }).toString();
  return search === '' ? '/violations' : `/violations?${search}`;
}

/** What the backend is asked. */
export function violationsQuery(filters: Filters, now: Date): URLSearchParams {
  const query = new URLSearchParams();
  if (filters.ruleId !== '') query.set('ruleId', filters.ruleId);
  if (filters.traceId !== '') query.set('traceId', filters.traceId);
  if (filters.severity !== '') query.set('severity', filters.severity);
  if (filters.range === 'custom') {
    const from = localTime(filters.from);
    const to = localTime(filters.to);
    if (from) query.set('startTime', from.toISOString());
    if (to) query.set('endTime', to.toISOString());
  } else if (filters.range !== '') {
    query.set('startTime', rangeStart(filters.range, now).toISOString());
  }
  query.set('limit', String(filters.pageSize));
  const offset = (filters.page - 1) * filters.pageSize;
  if (offset > 0) query.set('offset', String(offset));
  return query;
}

export function isFiltered(filters: Filters): boolean {
  return [filters.ruleId, filters.traceId, filters.severity, filters.range].some((value) => value !== '');
}

/** What is wrong with a filter, where the backend would refuse it. */
export function filterProblems(filters: Filters): { traceId?: string; to?: string } {
  const problems: { traceId?: string; to?: string } = {};
  if (filters.traceId !== '' && !/^[0-9a-f]{32}$/.test(filters.traceId)) {
    problems.traceId = 'A trace id has 32 hexadecimal digits.';
  }
  const from = localTime(filters.from);
  const to = localTime(filters.to);
  if (filters.range === 'custom' && from && to && to <= from) problems.to = 'This is not after the start.';
  return problems;
}

function localTime(text: string): Date | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text)) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}

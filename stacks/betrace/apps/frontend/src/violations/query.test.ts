import { describe, expect, it } from 'vitest';
import {
  filterProblems,
  filtersToSearch,
  noFilters,
  parseFilters,
  violationsLink,
  violationsQuery,
} from './query';

const now = new Date('2026-07-01T12:00:00Z');
const read = (search: string) => parseFilters(new URLSearchParams(search));
const asked = (search: string) => violationsQuery(read(search), now).toString();
const traceId = '0af7651916cd43dd8448eb211c80319c';

describe('the address of the page', () => {
  it('comes back as it was', () => {
    const filters = {
      ruleId: 'r/1&x',
      traceId,
      severity: 'HIGH',
      range: 'custom',
      from: '2026-07-01T08:00',
      to: '2026-07-01T09:30',
      page: 3,
      pageSize: 50,
    } as const;
    expect(parseFilters(filtersToSearch(filters))).toEqual(filters);
  });

  it('has only what is filtered', () => {
    expect(violationsLink({})).toBe('/violations');
    expect(violationsLink({ severity: 'LOW', range: '7d' })).toBe('/violations?severity=LOW&range=7d');
  });

  it('forgets what makes no sense', () => {
    expect(read('severity=WORST&range=2y&page=-1&pageSize=7&from=today')).toEqual(noFilters);
    expect(read('severity=low').severity).toBe('LOW');
    expect(read(`trace=%20${traceId.toUpperCase()}%20`).traceId).toBe(traceId);
  });
});

describe('what the backend is asked', () => {
  it('is every filter in its own words', () => {
    expect(asked('')).toBe('limit=25');
    expect(asked(`rule=r1&severity=HIGH&trace=${traceId}`)).toBe(
      `ruleId=r1&traceId=${traceId}&severity=HIGH&limit=25`,
    );
  });

  it('turns pages into offsets', () => {
    expect(asked('page=3&pageSize=50')).toBe('limit=50&offset=100');
  });

  it('turns a span of time into its start, counted from now', () => {
    expect(violationsQuery(read('range=24h'), now).get('startTime')).toBe('2026-06-30T12:00:00.000Z');
    expect(violationsQuery(read('range=24h'), now).has('endTime')).toBe(false);
  });

  it('takes the times of fields as those of the person’s clock', () => {
    const query = violationsQuery(read('range=custom&from=2026-07-01T08:00&to=2026-07-01T09:30'), now);
    expect(query.get('startTime')).toBe('2026-07-01T06:00:00.000Z');
    expect(query.get('endTime')).toBe('2026-07-01T07:30:00.000Z');
    expect(violationsQuery(read('from=2026-07-01T08:00'), now).has('startTime')).toBe(false);
  });
});

describe('filters that the backend would refuse', () => {
  it('are said before it is asked', () => {
    expect(filterProblems(read('trace=abc')).traceId).toMatch(/32/);
    expect(filterProblems(read(`trace=${traceId}`))).toEqual({});
    expect(filterProblems(read('range=custom&from=2026-07-01T08:00&to=2026-07-01T08:00')).to).toBeDefined();
    expect(filterProblems(read('range=custom&from=2026-07-01T08:00'))).toEqual({});
  });
});

import { expect, test } from 'vitest';
import { readFilter, toQuery, writeFilter } from '../../src/lib/filter';

test('an address without a query is the last day, first page', () => {
  expect(readFilter('')).toEqual({ ruleId: '', severity: '', traceId: '', from: 'now-24h', to: 'now', page: 1 });
});

test('what is written is read again', () => {
  const filter = {
    ruleId: 'a.b-c',
    severity: 'HIGH',
    traceId: 'f'.repeat(32),
    from: '1764000000000',
    to: 'now',
    page: 3,
  };
  expect(readFilter(`?${writeFilter(filter)}`)).toEqual(filter);
});

test('defaults are left out of the address', () => {
  expect(writeFilter({ ...readFilter(''), severity: 'LOW' })).toBe('severity=LOW');
});

test.each(['0', '-1', '1.5', 'x'])('page %s is page 1', (page) => {
  expect(readFilter(`?page=${page}`).page).toBe(1);
});

test('the query leaves out what is not asked for, and pages by 50', () => {
  const range = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' };
  expect(toQuery({ ...readFilter('?page=3'), ruleId: 'r' }, range)).toEqual({
    ruleId: 'r',
    startTime: range.from,
    endTime: range.to,
    limit: 50,
    offset: 100,
  });
});

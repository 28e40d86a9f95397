import { expect, test } from 'vitest';
import { links, tempoLink } from '../../src/lib/links';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';

test('Tempo is asked by its uid for one trace, around its time', () => {
  const url = new URL(tempoLink(ID, '2026-01-01T12:00:00Z'), 'http://grafana');
  expect(url.pathname).toBe('/explore');
  expect(url.searchParams.get('schemaVersion')).toBe('1');
  const { betrace } = JSON.parse(url.searchParams.get('panes') ?? '');
  expect(betrace.datasource).toBe('tempo');
  expect(betrace.queries).toEqual([
    { refId: 'A', datasource: { type: 'tempo', uid: 'tempo' }, queryType: 'traceql', query: ID },
  ]);
  expect(betrace.range).toEqual({
    from: String(Date.parse('2026-01-01T11:00:00Z')),
    to: String(Date.parse('2026-01-01T13:00:00Z')),
  });
});

test.each([undefined, 'not a time'])('without a time (%s) the last day', (around) => {
  const url = new URL(tempoLink(ID, around), 'http://grafana');
  expect(JSON.parse(url.searchParams.get('panes') ?? '').betrace.range).toEqual({ from: 'now-24h', to: 'now' });
});

test('an id from elsewhere stays one part of the path', () => {
  expect(links.trace('../../admin?x')).toBe('/a/betrace-app/traces/..%2F..%2Fadmin%3Fx');
});

test('filters are in the address of the violations', () => {
  expect(links.violations()).toBe('/a/betrace-app/violations');
  expect(links.violations({ ruleId: 'a&b' })).toBe('/a/betrace-app/violations?ruleId=a%26b');
});

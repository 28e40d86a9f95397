import { expect, it } from 'vitest';
import { traceLink } from './grafana';

const traceId = '0af7651916cd43dd8448eb211c80319c';

it('leads to the trace in the datasource, around its time', () => {
  const target = { grafanaUrl: 'http://grafana.example/', tempoDatasource: 'tempo' };
  const link = new URL(traceLink(target, traceId, new Date(7_200_000)) ?? '');
  expect(link.origin + link.pathname).toBe('http://grafana.example/explore');
  const panes = JSON.parse(link.searchParams.get('panes') ?? '');
  expect(panes.trace.datasource).toBe('tempo');
  expect(panes.trace.queries).toEqual([
    { refId: 'A', datasource: { type: 'tempo', uid: 'tempo' }, queryType: 'traceql', query: traceId },
  ]);
  expect(panes.trace.range).toEqual({ from: '3600000', to: '10800000' });
});

it('is none without Grafana', () => {
  expect(traceLink({ grafanaUrl: null, tempoDatasource: 'tempo' }, traceId, null)).toBeNull();
});

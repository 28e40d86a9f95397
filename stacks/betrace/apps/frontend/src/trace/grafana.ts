// Links into Grafana's Explore page.

export interface GrafanaTarget {
  grafanaUrl: string | null;
  tempoDatasource: string;
}

/** A trace in Tempo, looked for an hour around `time`; null where there is no Grafana. */
export function traceLink(target: GrafanaTarget, traceId: string, time: Date | null): string | null {
  if (target.grafanaUrl === null) return null;
  const hour = 3_600_000;
  const range = time
    ? { from: String(time.getTime() - hour), to: String(time.getTime() + hour) }
    : { from: 'now-24h', to: 'now' };
  const uid = target.tempoDatasource;
  const query = { refId: 'A', datasource: { type: 'tempo', uid }, queryType: 'traceql', query: traceId };
  const panes = { trace: { datasource: uid, queries: [query], range } };
  const search = new URLSearchParams({ schemaVersion: '1', panes: JSON.stringify(panes), orgId: '1' });
  return `${target.grafanaUrl.replace(/\/+$/, '')}/explore?${search}`;
}

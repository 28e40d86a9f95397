export const PLUGIN_ID = 'betrace-app';

/** The uid that the stack provisions its Tempo data source with. */
export const TEMPO_UID = 'tempo';

const BASE = `/a/${PLUGIN_ID}`;

export const links = {
  overview: BASE,
  rules: `${BASE}/rules`,
  newRule: `${BASE}/rules/new`,
  rule: (id: string) => `${BASE}/rules/id/${encodeURIComponent(id)}`,
  violations: (filter: Record<string, string> = {}) => {
    const query = new URLSearchParams(filter).toString();
    return `${BASE}/violations${query && `?${query}`}`;
  },
  violation: (id: string) => `${BASE}/violations/${encodeURIComponent(id)}`,
  traces: `${BASE}/traces`,
  trace: (id: string) => `${BASE}/traces/${encodeURIComponent(id)}`,
  config: `/plugins/${PLUGIN_ID}`,
};

const HOUR = 3_600_000;

/** Grafana's Explore with one trace open in Tempo; `around` says when, since Tempo looks faster when it knows. */
export function tempoLink(traceId: string, around?: string): string {
  const at = around ? Date.parse(around) : NaN;
  const range = Number.isNaN(at) ? { from: 'now-24h', to: 'now' } : { from: String(at - HOUR), to: String(at + HOUR) };
  const panes = {
    betrace: {
      datasource: TEMPO_UID,
      queries: [{ refId: 'A', datasource: { type: 'tempo', uid: TEMPO_UID }, queryType: 'traceql', query: traceId }],
      range,
    },
  };
  return `/explore?${new URLSearchParams({ schemaVersion: '1', panes: JSON.stringify(panes) })}`;
}

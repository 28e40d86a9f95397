import type { ViolationQuery } from '../api/types';

/** What the page of violations shows; its place is the address, so that a link shows the same. */
export interface ViolationFilter {
  ruleId: string;
  severity: string;
  traceId: string;
  /** As Grafana writes times: `now-6h`, or milliseconds since 1970. */
  from: string;
  to: string;
  page: number;
}

export const PAGE_SIZE = 50;

const DEFAULTS: ViolationFilter = { ruleId: '', severity: '', traceId: '', from: 'now-24h', to: 'now', page: 1 };

export function readFilter(search: string): ViolationFilter {
  const query = new URLSearchParams(search);
  const get = (name: 'ruleId' | 'severity' | 'traceId' | 'from' | 'to') => query.get(name) ?? DEFAULTS[name];
  const page = Number(query.get('page'));
  return {
    ruleId: get('ruleId'),
    severity: get('severity'),
    traceId: get('traceId'),
    from: get('from'),
    to: get('to'),
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

/** Only what differs from the defaults, so that addresses stay short. */
export function writeFilter(filter: ViolationFilter): string {
  const query = new URLSearchParams();
  for (const name of Object.keys(DEFAULTS) as Array<keyof ViolationFilter>) {
    if (filter[name] !== DEFAULTS[name]) {
      query.set(name, String(filter[name]));
    }
  }
  return query.toString();
}

export function toQuery(filter: ViolationFilter, range: { from: string; to: string }): ViolationQuery {
  const { ruleId, severity, traceId, page } = filter;
  return {
    ...(ruleId && { ruleId }),
    ...(severity && { severity }),
    ...(traceId && { traceId }),
    startTime: range.from,
    endTime: range.to,
    limit: PAGE_SIZE,
    offset: (page - 1) * PAGE_SIZE,
  };
}

// Every call goes through Grafana's plugin proxy, by the routes in plugin.json: `api/read` for all who are logged in,
// `api/write` for Editors and Admins.
import { getBackendSrv } from '@grafana/runtime';
import { lastValueFrom } from 'rxjs';
import { PLUGIN_ID } from '../lib/links';
import { toApiError } from './errors';
import type {
  Readiness,
  Rule,
  RuleDraft,
  RuleList,
  Trace,
  Validation,
  Violation,
  ViolationList,
  ViolationQuery,
  ViolationStats,
} from './types';

type Method = 'POST' | 'PUT' | 'DELETE';

async function send<T>(method: 'GET' | Method, path: string, rest: { params?: object; data?: unknown }): Promise<T> {
  const url = `/api/plugin-proxy/${PLUGIN_ID}/api/${path}`;
  try {
    const response = getBackendSrv().fetch<T>({ method, url, ...rest, showErrorAlert: false, showSuccessAlert: false });
    return (await lastValueFrom(response)).data;
  } catch (failure) {
    throw toApiError(failure);
  }
}

const read = <T>(path: string, params: object = {}) => send<T>('GET', `read/${path}`, { params });
const write = <T>(method: Method, path: string, data?: unknown) => send<T>(method, `write/${path}`, { data });
const id = encodeURIComponent;

/** A backend that is not ready says so with status 503 and an answer all the same. */
async function readiness(): Promise<Readiness> {
  try {
    return await read<Readiness>('ready');
  } catch (failure) {
    const { data } = toApiError(failure);
    if (data.status === 'UNHEALTHY') {
      return data as unknown as Readiness;
    }
    throw failure;
  }
}

export const api = {
  ready: readiness,

  rules: () => read<RuleList>('rules'),
  rule: (ruleId: string) => read<Rule>(`rules/${id(ruleId)}`),
  createRule: (draft: RuleDraft) => write<Rule>('POST', 'rules', draft),
  updateRule: (ruleId: string, draft: RuleDraft) => write<Rule>('PUT', `rules/${id(ruleId)}`, draft),
  deleteRule: (ruleId: string) => write<void>('DELETE', `rules/${id(ruleId)}`),
  setEnabled: (ruleId: string, enabled: boolean) =>
    write<Rule>('POST', `rules/${id(ruleId)}/${enabled ? 'enable' : 'disable'}`),
  validate: (expression: string) => write<Validation>('POST', 'rules/validate', { expression }),

  violations: (query: ViolationQuery) => read<ViolationList>('violations', query),
  violation: (violationId: string) => read<Violation>(`violations/${id(violationId)}`),
  stats: (query: { startTime: string; endTime: string; buckets: number }) =>
    read<ViolationStats>('violations/stats', query),
  trace: (traceId: string) => read<Trace>(`traces/${id(traceId)}`),
};

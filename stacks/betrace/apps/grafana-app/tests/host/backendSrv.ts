import type { BackendSrv, BackendSrvRequest, FetchResponse } from '@grafana/runtime';
import { defer } from 'rxjs';

/** Grafana's own way to its server is not published; this has the part that plugins use, errors in the same form. */
async function request<T>(config: BackendSrvRequest): Promise<FetchResponse<T>> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(config.params ?? {})) {
    if (value !== undefined && value !== null) {
      query.append(name, String(value));
    }
  }
  const response = await fetch(`${config.url}${query.size > 0 ? `?${query}` : ''}`, {
    method: config.method ?? 'GET',
    headers: config.data === undefined ? {} : { 'content-type': 'application/json' },
    body: config.data === undefined ? undefined : JSON.stringify(config.data),
  });
  const text = await response.text();
  const { ok, status, statusText, headers, redirected, type, url } = response;
  const data = parse(text);
  if (!ok) {
    throw { status, statusText, data, config };
  }
  return { ok, status, statusText, headers, redirected, type, url, data: data as T, config };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const backendSrv = {
  fetch: <T>(config: BackendSrvRequest) => defer(() => request<T>(config)),
} as BackendSrv;

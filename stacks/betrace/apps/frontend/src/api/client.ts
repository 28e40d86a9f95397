// Requests to the backend. All of them go to where this page came from: the server passes `/v1` on.

import { ApiError, parseError, unreachable } from './error';
import { apiKey, askForKey } from './key';

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
  /** Whether the person is asked for an API key when one is needed. */
  askKey?: boolean;
  /** Statuses besides success whose body is the answer. */
  accept?: number[];
}

export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const { askKey = true, accept = [] } = options;
  for (;;) {
    const sent = apiKey();
    const response = await send(path, options, sent);
    if (response.status === 401 && askKey) {
      // Another request may have brought a key in the meantime.
      const key = apiKey() !== sent ? apiKey() : await askForKey(sent !== null);
      if (key !== null) continue;
    }
    const text = await read(response);
    if (!response.ok && !accept.includes(response.status)) throw parseError(response.status, text);
    return parseAnswer<T>(response.status, text);
  }
}

async function send(path: string, options: RequestOptions, key: string | null): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (key !== null) headers['X-API-Key'] = key;
  const init: RequestInit = { method: options.method ?? 'GET', headers, credentials: 'omit' };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  try {
    return await fetch(path, init);
  } catch (error) {
    throw networkError(error);
  }
}

async function read(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw networkError(error);
  }
}

function parseAnswer<T>(status: number, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    // A server that passes nothing on answers with this page itself.
    if (status < 400) throw new ApiError(status, 'The answer is not the backend’s. Is /v1 passed on to it?');
    throw parseError(status, text);
  }
}

function networkError(error: unknown): unknown {
  const aborted = error instanceof DOMException && error.name === 'AbortError';
  return aborted ? error : new ApiError(0, unreachable);
}

import { whyNotReady } from '../lib/format';
import { api } from './client';
import { toApiError } from './errors';
import type { Readiness } from './types';

export interface Connection {
  state: 'success' | 'warning' | 'error';
  title: string;
  text: string;
}

/** Tries what the pages will need: that the backend answers, is ready, and takes the API key. */
export async function testConnection(): Promise<Connection> {
  let readiness: Readiness;
  try {
    readiness = await api.ready();
  } catch (failure) {
    return { state: 'error', title: 'No answer from the backend', text: toApiError(failure).message };
  }
  if (readiness.status !== 'HEALTHY') {
    return { state: 'warning', title: 'The backend is not ready', text: whyNotReady(readiness) };
  }
  if (!(await keyIsTaken())) {
    return { state: 'error', title: 'The backend refuses the API key', text: 'Rules can be read, but not changed.' };
  }
  return {
    state: 'success',
    title: 'The backend answers',
    text: `BeTrace ${readiness.version} is ready, and rules can be changed.`,
  };
}

/** A rule without anything is always refused, but for another reason where the key is wrong. */
async function keyIsTaken(): Promise<boolean> {
  try {
    await api.createRule({ name: '', description: '', expression: '', enabled: false, severity: 'LOW', tags: [] });
    return true;
  } catch (failure) {
    return toApiError(failure).status !== 401;
  }
}

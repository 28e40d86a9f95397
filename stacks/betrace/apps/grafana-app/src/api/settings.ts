import { getBackendSrv } from '@grafana/runtime';
import { lastValueFrom } from 'rxjs';
import { PLUGIN_ID } from '../lib/links';

/** What Grafana keeps for the app, as far as this app reads it. */
export interface AppSettings {
  enabled: boolean;
  pinned: boolean;
  jsonData?: { backendUrl?: string } | null;
  secureJsonFields?: Record<string, boolean>;
}

const URL = `/api/plugins/${PLUGIN_ID}/settings`;

export async function loadSettings(): Promise<AppSettings> {
  return (await lastValueFrom(getBackendSrv().fetch<AppSettings>({ url: URL, showErrorAlert: false }))).data;
}

/** Without a key the one that is kept stays; an empty one removes it. */
export async function saveSettings(before: AppSettings, backendUrl: string, apiKey?: string): Promise<void> {
  const data = {
    enabled: before.enabled,
    pinned: before.pinned,
    jsonData: { ...before.jsonData, backendUrl },
    ...(apiKey !== undefined && { secureJsonData: { apiKey } }),
  };
  const options = { method: 'POST', url: URL, data, showErrorAlert: false, showSuccessAlert: false };
  await lastValueFrom(getBackendSrv().fetch(options));
}

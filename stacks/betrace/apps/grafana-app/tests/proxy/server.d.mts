import type { Settings } from './routes.mjs';

export interface Grafana {
  url: string;
  settings: Settings & { enabled: boolean; pinned: boolean };
  close: () => void;
}

export function provisioned(env: Record<string, string>): Promise<Grafana['settings']>;
export function startGrafana(env: Record<string, string>): Promise<Grafana>;

// What the place where this page is served says about its surroundings: `/config.json`, read once at the start.

import { createContext, useContext } from 'react';
import { isRecord } from './api/error';
import type { GrafanaTarget } from './trace/grafana';

export interface Config extends GrafanaTarget {
  /** What is wrong with the file, where it can't be used. */
  problem: string | null;
}

const defaults: Config = { grafanaUrl: null, tempoDatasource: 'tempo', problem: null };

/** Never fails: without the file there are no links to Grafana, and the status page says why. */
export async function loadConfig(): Promise<Config> {
  try {
    const response = await fetch('/config.json', { cache: 'no-cache', credentials: 'omit' });
    if (!response.ok) return broken(`the server answers ${response.status}`);
    return parseConfig(await response.text());
  } catch {
    return broken('it could not be fetched');
  }
}

export function parseConfig(text: string): Config {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return broken('it is not JSON');
  }
  if (!isRecord(raw)) return broken('it is not an object');
  const { grafanaUrl, tempoDatasource } = raw;
  const config = { ...defaults };
  if (typeof tempoDatasource === 'string' && tempoDatasource !== '') config.tempoDatasource = tempoDatasource;
  if (grafanaUrl === undefined || grafanaUrl === null || grafanaUrl === '') return config;
  // The address becomes a link: anything but http could run code.
  if (typeof grafanaUrl !== 'string' || !/^https?:\/\//i.test(grafanaUrl) || !URL.canParse(grafanaUrl)) {
    return { ...config, problem: '/config.json: grafanaUrl is not an http or https address' };
  }
  return { ...config, grafanaUrl };
}

function broken(why: string): Config {
  return { ...defaults, problem: `/config.json can’t be used: ${why}` };
}

export const ConfigContext = createContext<Config>(defaults);

export function useConfig(): Config {
  return useContext(ConfigContext);
}

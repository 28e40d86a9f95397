import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../src/plugin.json';
import { provisioned } from '../proxy/server.mjs';

const file = (name: string) => parse(readFileSync(join(import.meta.dirname, '../../provisioning', name), 'utf8'));

test('the app is enabled with what the environment says', async () => {
  const env = { BETRACE_BACKEND_URL: 'http://backend:12011', BETRACE_API_KEY: 'secret' };
  expect(await provisioned(env)).toEqual({
    enabled: true,
    pinned: false,
    jsonData: { backendUrl: 'http://backend:12011' },
    secureJsonData: { apiKey: 'secret' },
  });
});

test('without a key in the environment there is none', async () => {
  expect((await provisioned({ BETRACE_BACKEND_URL: 'http://backend:12011' })).secureJsonData).toEqual({ apiKey: '' });
});

test('the settings are those that the routes of plugin.json read', async () => {
  const { jsonData, secureJsonData } = await provisioned({});
  const read = JSON.stringify(manifest.routes);
  for (const [, name] of read.matchAll(/\.JsonData\.(\w+)/g)) {
    expect(Object.keys(jsonData)).toContain(name);
  }
  for (const [, name] of read.matchAll(/\.SecureJsonData\.(\w+)/g)) {
    expect(Object.keys(secureJsonData)).toContain(name);
  }
});

test('the dashboards are read from a folder, and cannot be lost in the UI', () => {
  const [provider] = file('dashboards/betrace.yaml').providers;
  expect(provider).toMatchObject({
    type: 'file',
    disableDeletion: true,
    options: { path: '/usr/share/betrace/dashboards' },
  });
});

import { afterEach, expect, it, vi } from 'vitest';
import { loadConfig, parseConfig } from './config';

afterEach(() => vi.unstubAllGlobals());

it('takes the address of Grafana', () => {
  const config = parseConfig('{"grafanaUrl": "https://grafana.example/base", "tempoDatasource": "traces"}');
  expect(config).toEqual({
    grafanaUrl: 'https://grafana.example/base',
    tempoDatasource: 'traces',
    problem: null,
  });
});

it.each(['{}', '{"grafanaUrl": null}', '{"grafanaUrl": ""}'])('has no links and no problem with %s', (text) => {
  expect(parseConfig(text)).toEqual({ grafanaUrl: null, tempoDatasource: 'tempo', problem: null });
});

it.each([
  '<!doctype html>',
  '[]',
  '{"grafanaUrl": "javascript:alert(1)"}',
  '{"grafanaUrl": 7}',
  '{"grafanaUrl": "http://"}',
])('says what is wrong with %s', (text) => {
  const config = parseConfig(text);
  expect(config.grafanaUrl).toBeNull();
  expect(config.problem).toContain('/config.json');
});

it('goes on without the file', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
  expect((await loadConfig()).problem).toContain('could not be fetched');
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 404 })));
  expect((await loadConfig()).problem).toContain('404');
});

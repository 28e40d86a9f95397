// plugin.json and its routes: who may reach what of the backend.
import { describe, expect, test } from 'vitest';
import manifest from '../../src/plugin.json';
import { allows, findRoute, render, target } from '../proxy/routes.mjs';

const settings = { jsonData: { backendUrl: 'http://backend:12011' }, secureJsonData: { apiKey: 'secret' } };

function reach(role: string, method: string, path: string): string {
  const found = findRoute(manifest.routes, method, path);
  if (!found) {
    return 'no route';
  }
  return allows(found.route, role) ? target(found.route, found.rest, settings).url : 'denied';
}

describe('routes', () => {
  test.each([
    ['Viewer', 'GET', 'api/read/rules', 'http://backend:12011/v1/rules'],
    ['Viewer', 'GET', 'api/read/violations/stats', 'http://backend:12011/v1/violations/stats'],
    ['Viewer', 'POST', 'api/write/rules', 'denied'],
    ['Viewer', 'POST', 'api/write/rules/validate', 'denied'],
    ['Viewer', 'PUT', 'api/write/rules/r1', 'denied'],
    ['Viewer', 'DELETE', 'api/write/rules/r1', 'denied'],
    ['Editor', 'POST', 'api/write/rules', 'http://backend:12011/v1/rules'],
    ['Editor', 'POST', 'api/write/rules/r1/enable', 'http://backend:12011/v1/rules/r1/enable'],
    ['Editor', 'PUT', 'api/write/rules/r1', 'http://backend:12011/v1/rules/r1'],
    ['Admin', 'DELETE', 'api/write/rules/r1', 'http://backend:12011/v1/rules/r1'],
    // The read route reads only, whoever asks.
    ['Admin', 'POST', 'api/read/rules', 'no route'],
    ['Admin', 'DELETE', 'api/read/rules/r1', 'no route'],
    // Spans come in by OTLP, never by Grafana.
    ['Admin', 'POST', 'api/write/spans', 'no route'],
    ['Admin', 'POST', 'api/write/traces', 'no route'],
    ['Admin', 'PATCH', 'api/write/rules/r1', 'no route'],
    // A path cannot climb out of its route.
    ['Viewer', 'POST', 'api/read/../write/rules', 'denied'],
    ['Editor', 'POST', 'api/write/rules/../spans', 'no route'],
    ['Viewer', 'GET', 'api/read', 'no route'],
    ['Viewer', 'GET', 'metrics', 'no route'],
  ])('a %s who sends %s %s: %s', (role, method, path, outcome) => {
    expect(reach(role, method, path)).toBe(outcome);
  });

  test('each sends the key, and names its method and role', () => {
    for (const route of manifest.routes) {
      expect(target(route, '', settings).headers).toEqual({ 'X-API-Key': 'secret' });
      expect(route.method).toMatch(/^(GET|POST|PUT|DELETE)$/);
      expect(route.reqRole).toBe(route.method === 'GET' ? 'Viewer' : 'Editor');
    }
  });

  test('without a key the header is empty', () => {
    const none = { ...settings, secureJsonData: {} };
    expect(target(manifest.routes[0], 'rules', none).headers).toEqual({ 'X-API-Key': '' });
  });

  test('a template that is not known is an error', () => {
    expect(() => render('{{ .A | html }}', {})).toThrow('does not know');
  });
});

test('Grafana shows the pages to the roles that can use them', () => {
  const roles = Object.fromEntries(manifest.includes.map(({ name, role }) => [name, role]));
  expect(roles).toEqual({
    Overview: 'Viewer',
    Rules: 'Viewer',
    'New rule': 'Editor',
    Violations: 'Viewer',
    Traces: 'Viewer',
    Configuration: 'Admin',
  });
});

describe('plugin.json', () => {
  // What Grafana's published schema of plugin.json allows; it ships in no package, so its rules stand here.
  const ALLOWED = {
    route: ['path', 'method', 'url', 'reqSignedIn', 'reqRole', 'reqAction', 'headers', 'body', 'urlParams'],
    include: ['uid', 'type', 'name', 'role', 'action', 'path', 'addToNav', 'defaultNav', 'icon'],
    info: ['author', 'build', 'description', 'keywords', 'links', 'logos', 'screenshots', 'updated', 'version'],
  };

  test('has no field that Grafana does not know', () => {
    for (const route of manifest.routes) {
      expect(ALLOWED.route).toEqual(expect.arrayContaining(Object.keys(route)));
    }
    for (const include of manifest.includes) {
      expect(ALLOWED.include).toEqual(expect.arrayContaining(Object.keys(include)));
    }
    expect(ALLOWED.info).toEqual(expect.arrayContaining(Object.keys(manifest.info)));
  });

  test('names an app, the oldest Grafana it works with, and one page to start at', () => {
    expect(manifest.id).toMatch(/^[0-9a-z]+-([0-9a-z]+-)?app$/);
    expect(manifest.type).toBe('app');
    expect(manifest.dependencies.grafanaDependency).toMatch(/^>=\d+\.\d+\.\d+$/);
    expect(manifest.includes.filter((include) => include.defaultNav)).toHaveLength(1);
  });
});

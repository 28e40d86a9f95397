// The rules by which Grafana's server forwards `/api/plugin-proxy/<id>/…` to a plugin's backend, as far as plugin.json
// of this app uses them: routes in order, one method each, `*` only as the last part of a path, roles, templates.
import { posix } from 'node:path';

const ROLES = ['Viewer', 'Editor', 'Admin'];

/** The route for a request, and what of its path the `*` stands for; undefined where there is none. */
export function findRoute(routes, method, rawPath) {
  const path = posix.join('/', rawPath).slice(1).replace(/\/$/, '');
  for (const route of routes) {
    if (route.method && route.method !== '*' && route.method !== method) {
      continue;
    }
    if (route.path.endsWith('/*')) {
      const prefix = route.path.slice(0, -1);
      if (path.startsWith(prefix) && path.length > prefix.length) {
        return { route, rest: path.slice(prefix.length) };
      }
    } else if (route.path === path) {
      return { route, rest: '' };
    }
  }
  return undefined;
}

export function allows(route, role) {
  return !route.reqRole || ROLES.indexOf(role) >= ROLES.indexOf(route.reqRole);
}

/** Go's text/template with the two forms that plugin.json has; anything else is an error, never a guess. */
export function render(template, data) {
  const field = (path) => path.split('.').reduce((value, key) => value?.[key], data);
  const text = template
    .replace(/{{ with \.([\w.]+) }}{{ \. }}{{ end }}/g, (_, path) => field(path) || '')
    .replace(/{{ \.([\w.]+) }}/g, (_, path) => field(path) ?? '<no value>');
  if (text.includes('{{')) {
    throw new Error(`a template that this proxy does not know: ${template}`);
  }
  return text;
}

export function target(route, rest, settings) {
  const data = { JsonData: settings.jsonData, SecureJsonData: settings.secureJsonData };
  const base = render(route.url, data).replace(/\/$/, '');
  return {
    url: rest ? `${base}/${rest}` : base,
    headers: Object.fromEntries((route.headers ?? []).map(({ name, content }) => [name, render(content, data)])),
  };
}

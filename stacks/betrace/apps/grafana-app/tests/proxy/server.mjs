// What Grafana's server does for the app: it serves the built plugin, keeps its settings as the provisioning file gives
// them, and forwards calls by plugin.json's routes. The cookie `role` stands for the login.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { allows, findRoute, target } from './routes.mjs';

const TYPES = { '.js': 'text/javascript', '.json': 'application/json', '.svg': 'image/svg+xml', '.html': 'text/html' };
const PROXY = '/api/plugin-proxy/betrace-app/';
const SETTINGS = '/api/plugins/betrace-app/settings';

const folder = (path) => fileURLToPath(new URL(path, import.meta.url));
const DIST = folder('../../dist');
const HOST = folder('../.out/host');

/** The settings that the provisioning file makes with this environment. */
export async function provisioned(env) {
  const text = await readFile(folder('../../provisioning/plugins/betrace.yaml'), 'utf8');
  const expand = (value) =>
    typeof value === 'string' ? value.replace(/\$\{(\w+)\}/g, (_, name) => env[name] ?? '') : value;
  const [app] = parse(text, (_, value) => expand(value)).apps;
  if (app.type !== 'betrace-app') {
    throw new Error('the provisioning file is of another app');
  }
  return { enabled: !app.disabled, pinned: false, jsonData: app.jsonData, secureJsonData: app.secureJsonData };
}

export async function startGrafana(env) {
  const manifest = JSON.parse(await readFile(join(DIST, 'plugin.json'), 'utf8'));
  const settings = await provisioned(env);
  const server = createServer((request, response) => {
    handle({ manifest, settings }, request, response).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, settings, close: () => server.close() };
}

async function handle({ manifest, settings }, request, response) {
  const { pathname, search } = new URL(request.url, 'http://grafana');
  const role = /(?:^|; )role=(\w+)/.exec(request.headers.cookie ?? '')?.[1];
  const json = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  if (pathname.startsWith('/api/') && !role) {
    return json(401, { message: 'Unauthorized' });
  }
  if (pathname.startsWith(PROXY)) {
    return forward({ manifest, settings, role }, pathname.slice(PROXY.length), search, request, response, json);
  }
  if (pathname === SETTINGS) {
    return request.method === 'POST' ? save(settings, role, request, json) : json(200, meta(manifest, settings));
  }
  const plugin = '/public/plugins/betrace-app/';
  const file = pathname.startsWith(plugin)
    ? join(DIST, pathname.slice(plugin.length))
    : pathname.startsWith('/public/')
      ? join(HOST, pathname.slice('/public/'.length))
      : join(HOST, 'index.html');
  try {
    const body = await readFile(file);
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' }).end(body);
  } catch {
    json(404, { message: 'Not found' });
  }
}

async function forward({ manifest, settings, role }, path, search, request, response, json) {
  const found = findRoute(manifest.routes, request.method, path);
  if (!found) {
    return json(404, { message: 'plugin route match not found' });
  }
  if (!allows(found.route, role)) {
    return json(403, { message: 'plugin proxy route access denied' });
  }
  const { url, headers } = target(found.route, found.rest, settings);
  let answer;
  try {
    answer = await fetch(url + search, {
      method: request.method,
      headers: {
        ...(request.headers['content-type'] && { 'content-type': request.headers['content-type'] }),
        ...headers,
      },
      body: ['GET', 'HEAD'].includes(request.method) ? undefined : await bodyOf(request),
    });
  } catch {
    return response.writeHead(502).end();
  }
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
  response.end(Buffer.from(await answer.arrayBuffer()));
}

async function save(settings, role, request, json) {
  if (role !== 'Admin') {
    return json(403, { message: 'Permission denied' });
  }
  const { enabled, pinned, jsonData, secureJsonData } = JSON.parse(await bodyOf(request));
  Object.assign(settings, { enabled, pinned, jsonData });
  Object.assign(settings.secureJsonData, secureJsonData);
  return json(200, { message: 'Plugin settings updated' });
}

/** A secret never leaves the server; only whether there is one. */
function meta(manifest, { enabled, pinned, jsonData, secureJsonData }) {
  const secureJsonFields = Object.fromEntries(
    Object.entries(secureJsonData).map(([key, value]) => [key, value !== ''])
  );
  return { ...manifest, enabled, pinned, jsonData, secureJsonFields };
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  return Buffer.concat(parts);
}

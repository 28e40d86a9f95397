// The server that the image has: Caddy with the stack's own file.

import { readdirSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { dist } from './places';
import { expect, test } from './test';

test.beforeEach(({ stack }) => {
  test.skip(!stack.web.isCaddy, 'there is no Caddy here (CADDY=…): its headers and its proxy are not tested');
});

const asset = readdirSync(`${dist}/assets`).find((name) => /^index-.*\.js$/.test(name)) ?? '';

test('every address of the application is its one page, asked for again each time', async ({ request }) => {
  for (const path of ['/', '/rules/7', '/violations/x.y', '/status']) {
    const response = await request.get(path);
    expect(response.status(), path).toBe(200);
    expect(await response.text(), path).toContain('<title>BeTrace</title>');
    expect(response.headers()['cache-control'], path).toBe('no-cache');
  }
});

test('files with a digest in their name are kept for good, missing ones are missing', async ({ request }) => {
  const there = await request.get(`/assets/${asset}`);
  expect(there.headers()['content-type']).toContain('javascript');
  expect(there.headers()['cache-control']).toBe('public, max-age=31536000, immutable');
  const gone = await request.get('/assets/index-00000000.js');
  expect(gone.status()).toBe(404);
  expect(gone.headers()['cache-control'] ?? '').not.toContain('immutable');
  const config = await request.get('/config.json');
  expect(await config.json()).toEqual({ grafanaUrl: null, tempoDatasource: 'tempo' });
  expect(config.headers()['cache-control']).toBe('no-cache');
});

test('files are sent compressed', async ({ stack }) => {
  const { request: get } = await import('node:http');
  const [encoding, body] = await new Promise<[string | undefined, Buffer]>((resolve, reject) => {
    get(`${stack.web.url}/assets/${asset}`, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve([response.headers['content-encoding'], Buffer.concat(chunks)]));
    })
      .on('error', reject)
      .end();
  });
  expect(encoding).toBe('gzip');
  expect(gunzipSync(body).length).toBeGreaterThan(2 * body.length);
});

test('answers carry what protects the page', async ({ request }) => {
  for (const path of ['/', '/rules', `/assets/${asset}`, '/v1/rules']) {
    const headers = (await request.get(path)).headers();
    const policy = headers['content-security-policy'] ?? '';
    expect(policy, path).toContain("default-src 'none'");
    expect(policy, path).toContain("script-src 'self';");
    expect(policy, path).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options'], path).toBe('nosniff');
    expect(headers['referrer-policy'], path).toBe('no-referrer');
    expect(headers, path).not.toHaveProperty('server');
    expect(headers, path).not.toHaveProperty('access-control-allow-origin');
  }
});

test('the backend has the same origin under all its names', async ({ request }) => {
  for (const path of ['/v1/rules', '/api/rules', '/api/v1/rules']) {
    const response = await request.get(path);
    expect(response.status(), path).toBe(200);
    expect(await response.json(), path).toMatchObject({ rules: [] });
    expect(response.headers()['cache-control'], path).toBe('no-store');
  }
  expect((await request.get('/health')).headers()['content-type']).toContain('json');
  expect((await request.get('/v1/nothing')).status()).toBe(404);
});

test('each request is a line of JSON', async ({ request, stack }) => {
  await request.get('/rules/for-the-log');
  const line = () =>
    stack.web
      .output()
      .split('\n')
      .find((text) => text.includes('/rules/for-the-log'));
  await expect.poll(line).toBeDefined();
  expect(JSON.parse(line() ?? '')).toMatchObject({
    status: 200,
    request: { method: 'GET', uri: '/rules/for-the-log' },
  });
});

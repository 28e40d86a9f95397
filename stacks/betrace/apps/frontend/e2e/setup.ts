// What has to be there before the first test, each thing missed with a sentence of its own.

import { accessSync, constants, existsSync, rmSync } from 'node:fs';
import { dist, screenshots } from './places';
import { caddyVersion, findCaddy } from './web';

export default function setup(): void {
  const backend = process.env.BETRACE_BACKEND_BIN;
  if (!backend) {
    throw new Error(
      'these tests need the backend: build it and say where it is with BETRACE_BACKEND_BIN=…/betrace-backend',
    );
  }
  try {
    accessSync(backend, constants.X_OK);
  } catch {
    throw new Error(`BETRACE_BACKEND_BIN is ${backend}, which is no program`);
  }
  if (!existsSync(`${dist}/index.html`)) throw new Error('there is no dist/: run `npm run build` first');
  rmSync(screenshots, { recursive: true, force: true });
  const caddy = findCaddy();
  console.log(`backend: ${backend}`);
  console.log(
    caddy
      ? `pages: served by Caddy ${caddyVersion(caddy)} (${caddy}) with the stack's Caddyfile`
      : 'pages: served by `vite preview`, since there is no Caddy: its headers and its proxy are NOT tested',
  );
}

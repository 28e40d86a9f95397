// The server of the pages: Caddy with the stack's own file where there is Caddy, else Vite's.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { app, caddyfile, dist } from './places';
import { freePort, type Program, start, untilReady } from './process';

export interface Web extends Program {
  url: string;
  isCaddy: boolean;
}

export function findCaddy(): string | null {
  const named = process.env.CADDY;
  if (named) {
    if (!existsSync(named)) throw new Error(`CADDY is ${named}, which is not there`);
    return named;
  }
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'caddy')).find((path) => existsSync(path)) ?? null;
}

export function caddyVersion(caddy: string): string {
  return execFileSync(caddy, ['version'], { encoding: 'utf8' }).trim().split(' ')[0] ?? '';
}

export async function startWeb(backendPort: number, folder: string): Promise<Web> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const caddy = findCaddy();
  const program = caddy ? runCaddy(caddy, port, backendPort, folder) : runVite(port, backendPort);
  await untilReady('the server of the pages', url, program);
  return { url, isCaddy: caddy !== null, output: program.output, stop: program.stop };
}

function runCaddy(caddy: string, port: number, backendPort: number, folder: string) {
  const config = join(folder, 'Caddyfile');
  writeFileSync(config, render(port, backendPort));
  const env = { PATH: process.env.PATH, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  return start('caddy', caddy, ['run', '--config', config, '--adapter', 'caddyfile'], { env, cwd: folder });
}

/** The stack's template with the values of this test. */
function render(port: number, backendPort: number): string {
  const values: [string, string][] = [
    ['{{ self.http.port }}', String(port)],
    ['{{ self.listen }}', '127.0.0.1'],
    ['{{ backend.http.addr }}', `127.0.0.1:${backendPort}`],
    ['root * /srv', `root * ${dist}`],
  ];
  let text = readFileSync(caddyfile, 'utf8');
  for (const [from, to] of values) {
    if (!text.includes(from)) throw new Error(`${caddyfile} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  const left = text.match(/\{\{.*?\}\}/);
  if (left) throw new Error(`${caddyfile} has ${left[0]}, which these tests don't know`);
  return text;
}

function runVite(port: number, backendPort: number) {
  const env = { ...process.env, BETRACE_BACKEND: `http://127.0.0.1:${backendPort}` };
  const args = [
    'node_modules/vite/bin/vite.js',
    'preview',
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--strictPort',
  ];
  return start('vite', process.execPath, args, { env, cwd: app });
}

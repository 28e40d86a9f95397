// The built folder: what is in it, and that it is the same wherever and whenever it is built.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const INPUTS = ['src', 'public', 'package.json', 'build.mjs', 'tsconfig.json'];

const folders: string[] = [];
let dist: string;

function build(name: string): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'betrace-app-')), name);
  folders.push(folder);
  for (const input of INPUTS) {
    cpSync(join(ROOT, input), join(folder, input), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  execFileSync('npm', ['run', 'build'], { cwd: folder, stdio: 'pipe' });
  return join(folder, 'dist');
}

function digests(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) =>
    statSync(join(folder, f)).isFile()
  );
  return Object.fromEntries(
    files.sort().map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ])
  );
}

beforeAll(() => {
  dist = build('one');
}, 120_000);

afterAll(() => folders.forEach((folder) => rmSync(join(folder, '..'), { recursive: true })));

test('two builds in two folders are the same, bit for bit', () => {
  expect(digests(build('a/deeper/folder with spaces'))).toEqual(digests(dist));
}, 120_000);

test('there is what Grafana needs, and no source map', () => {
  expect(Object.keys(digests(dist))).toEqual(['README.md', 'img/logo.svg', 'module.js', 'plugin.json']);
  expect(readFileSync(join(dist, 'module.js'), 'utf8')).not.toContain('sourceMappingURL');
});

test('plugin.json has its version and date from package.json', () => {
  const { version, updated } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const manifest = readFileSync(join(dist, 'plugin.json'), 'utf8');
  expect(JSON.parse(manifest).info).toMatchObject({ version, updated });
  expect(manifest).not.toMatch(/%(VERSION|TODAY)%/);
});

test('the module is AMD and asks Grafana for its libraries', () => {
  const module = readFileSync(join(dist, 'module.js'), 'utf8');
  const [, names] = /^define\(\[([^\]]*)\]/.exec(module) ?? [];
  expect(names?.replaceAll('"', '').split(',').sort()).toEqual([
    '@emotion/css',
    '@grafana/data',
    '@grafana/runtime',
    '@grafana/ui',
    'react',
    'react-router',
    'react/jsx-runtime',
    'rxjs',
  ]);
});

test('no lock names the address of a registry', () => {
  for (const lock of ['package-lock.json', 'tests/package-lock.json']) {
    expect(readFileSync(join(ROOT, lock), 'utf8')).not.toMatch(/"resolved"|https?:\/\/[^"]*\.tgz/);
  }
});

// What every test has: a running stack, and a page whose errors fail it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { type Backend, startBackend } from './backend';
import { screenshots } from './places';
import { startWeb, type Web } from './web';

export interface Stack {
  backend: Backend;
  web: Web;
}

export async function withStack(env: Record<string, string>, use: (stack: Stack) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'betrace-e2e-'));
  const backend = await startBackend(folder, env);
  try {
    const web = await startWeb(backend.port, folder);
    try {
      await use({ backend, web });
    } finally {
      await web.stop();
    }
  } finally {
    await backend.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Fixtures {
  stack: Stack;
  look: (name: string) => Promise<void>;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: the tool reads which fixtures are needed from the pattern
  stack: async ({}, use) => withStack({}, use),
  baseURL: async ({ stack }, use) => use(stack.web.url),
  page: async ({ page }, use) => {
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      // Answers that are errors are written there by the browser itself, and tested where they are meant.
      const own = message.type() === 'error' && !message.text().startsWith('Failed to load resource');
      if (own) errors.push(message.text());
    });
    await use(page);
    expect(errors, 'errors in the browser').toEqual([]);
  },
  look: async ({ page }, use, info) =>
    use(async (name) => {
      await page.evaluate(() => window.scrollTo(0, 0));
      await page.screenshot({ path: join(screenshots, info.project.name, `${name}.png`), fullPage: true });
      await checkWidth(page);
      await checkAccess(page);
    }),
});

/** Nothing may be wider than the window. */
async function checkWidth(page: Page): Promise<void> {
  const [content, window] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect(content, 'the page scrolls sideways').toBeLessThanOrEqual(window ?? 0);
}

async function checkAccess(page: Page): Promise<void> {
  // The component library's dialogs have a `header` of their own, which counts as a second banner.
  const builder = new AxeBuilder({ page }).disableRules(['landmark-no-duplicate-banner', 'landmark-unique']);
  const { violations } = await builder.analyze();
  const found = violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).join(' | ')}`,
  );
  expect(found, 'what axe finds').toEqual([]);
}

export { expect };

import { expect, test as base, type Page } from '@playwright/test';
import { startGrafana, type Grafana } from '../proxy/server.mjs';
import { API_KEY, Backend, type Span } from './backend';

export type Role = 'Viewer' | 'Editor' | 'Admin';

interface Fixtures {
  /** Opens a page of Grafana as a person with a role. */
  open: (role: Role, path: string, theme?: 'dark' | 'light') => Promise<Page>;
}

interface WorkerFixtures {
  backend: Backend;
  grafana: Grafana;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  backend: [
    async ({}, use) => {
      const backend = await Backend.start();
      await use(backend);
      await backend.stop();
    },
    { scope: 'worker' },
  ],

  grafana: [
    async ({ backend }, use) => {
      const grafana = await startGrafana({ BETRACE_BACKEND_URL: backend.url, BETRACE_API_KEY: API_KEY });
      await use(grafana);
      grafana.close();
    },
    { scope: 'worker' },
  ],

  open: async ({ page, context, grafana }, use) => {
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // The browser itself reports every answer that is an error; tests that want one look at the page.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        complaints.push(message.text());
      }
    });
    await use(async (role, path, theme = 'dark') => {
      await context.addCookies([
        { name: 'role', value: role, url: grafana.url },
        { name: 'theme', value: theme, url: grafana.url },
      ]);
      await page.goto(grafana.url + path);
      return page;
    });
    expect(complaints).toEqual([]);
  },
});

export { expect };

export const SHIP_RULE = {
  name: 'Ships are scanned',
  description: 'Every parcel that leaves has a label that was scanned.',
  expression: 'when { order.ship }\nalways { label.scan }',
  severity: 'HIGH' as const,
  tags: ['shop', 'compliance'],
};

/** A trace that breaks the rule above. */
export const UNSCANNED: Span = {
  name: 'POST /orders',
  children: [
    { name: 'order.validate' },
    { name: 'payment.charge', attributes: { amount: '1250' }, children: [{ name: 'bank.call', status: 'ERROR' }] },
    { name: 'order.ship', attributes: { carrier: 'post' } },
  ],
};

// More violations than fit on a page, and the way into Grafana.

import { expect, test } from './test';
import { order, sendTrace } from './traces';

const ruleName = 'Large orders are checked';

test.beforeEach(async ({ stack }) => {
  const response = await fetch(`${stack.web.url}/v1/rules`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      name: ruleName,
      expression: 'when { order.ship.where(total > 500) } always { fraud.check }',
      severity: 'HIGH',
    }),
  });
  expect(response.status).toBe(201);
});

test('violations come in pages', async ({ page, stack, look }) => {
  for (let sent = 0; sent < 30; sent++) await sendTrace(stack.web.url, order(600 + sent, false));
  await page.goto('/violations');
  const list = page.getByRole('list', { name: 'Violations' });
  await expect(page.getByText('1–25 of 30')).toBeVisible({ timeout: 30_000 });
  await expect(list.getByRole('listitem')).toHaveCount(25);
  await look('20-violations-many');
  const first = await list.getByRole('link').first().getAttribute('href');
  await page.getByRole('button', { name: 'Page 2' }).click();
  await expect(page.getByText('26–30 of 30')).toBeVisible();
  await expect(list.getByRole('listitem')).toHaveCount(5);
  await expect(page).toHaveURL(/page=2/);
  await page.goBack();
  await expect(page.getByText('1–25 of 30')).toBeVisible();
  await expect(list.getByRole('link').first()).toHaveAttribute('href', first ?? '');
  await page.getByLabel('On a page').selectOption('50');
  await expect(list.getByRole('listitem')).toHaveCount(30);
  await page.getByRole('combobox', { name: 'Rule' }).click();
  await page.getByRole('option', { name: ruleName }).click();
  await expect(page).toHaveURL(/rule=/);
  await expect(list.getByRole('listitem')).toHaveCount(30);
});

test('the trace opens in Grafana where there is one', async ({ page, stack }) => {
  await page.route('/config.json', (route) =>
    route.fulfill({ json: { grafanaUrl: 'https://grafana.example', tempoDatasource: 'tempo' } }),
  );
  const traceId = await sendTrace(stack.web.url, order(900, false));
  await page.goto('/');
  const latest = page.getByRole('list', { name: 'Latest violations' });
  await latest.getByRole('link', { name: ruleName }).click({ timeout: 30_000 });
  const link = page.getByRole('link', { name: 'Open the trace in Grafana' });
  const href = new URL((await link.getAttribute('href')) ?? '');
  expect(href.origin).toBe('https://grafana.example');
  const panes = JSON.parse(href.searchParams.get('panes') ?? '');
  expect(panes.trace.queries[0]).toMatchObject({ query: traceId, datasource: { type: 'tempo', uid: 'tempo' } });
});

test('without Grafana the trace id is there to be copied', async ({ page, stack, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const traceId = await sendTrace(stack.web.url, order(900, false));
  await page.goto('/');
  const latest = page.getByRole('list', { name: 'Latest violations' });
  await latest.getByRole('link', { name: ruleName }).click({ timeout: 30_000 });
  await page.getByRole('button', { name: 'Copy the trace id' }).click();
  await expect(page.getByText('Copied', { exact: true }).first()).toBeAttached();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(traceId);
  await expect(page.getByRole('link', { name: 'Open the trace in Grafana' })).toHaveCount(0);
});

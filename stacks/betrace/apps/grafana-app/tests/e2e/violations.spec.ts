import { expect, SHIP_RULE, test, UNSCANNED } from './fixtures';

let traceId: string;
let ruleId: string;

test.beforeEach(async ({ backend }) => {
  await backend.clearRules();
  ruleId = (await backend.addRule(SHIP_RULE)).id;
  traceId = await backend.send(UNSCANNED);
  await backend.untilViolated(traceId, 1);
});

test('a violation leads to its spans and to Tempo', async ({ open }) => {
  const page = await open('Editor', `/a/betrace-app/violations?traceId=${traceId}`);
  await expect(page.getByText('1 violation', { exact: true })).toBeVisible();
  await page.getByRole('link', { name: SHIP_RULE.name }).click();

  await expect(page.getByRole('heading', { name: SHIP_RULE.name })).toBeVisible();
  await expect(page.getByText('verified', { exact: true })).toBeVisible();
  await expect(page.locator('dl > div').filter({ hasText: 'Root span' })).toContainText('POST /orders');
  await expect(page.locator('dl > div').filter({ hasText: 'Services' })).toContainText('shop');
  const spans = page.getByRole('list', { name: 'Spans' }).getByRole('listitem');
  await expect(spans).toHaveCount(5);
  await expect(spans.filter({ hasText: 'matched' })).toHaveText(/order\.ship/);
  await spans.filter({ hasText: 'order.ship' }).locator('summary').click();
  await expect(page.getByText('carrier')).toBeVisible();

  const link = page.getByRole('link', { name: 'Open in Tempo' });
  const url = new URL((await link.getAttribute('href')) ?? '', page.url());
  expect(url.pathname).toBe('/explore');
  const { betrace } = JSON.parse(url.searchParams.get('panes') ?? '');
  expect(betrace.datasource).toBe('tempo');
  expect(betrace.queries[0]).toMatchObject({ datasource: { type: 'tempo', uid: 'tempo' }, query: traceId });
  const now = Date.now();
  expect(Number(betrace.range.from)).toBeLessThan(now);
  expect(Number(betrace.range.to)).toBeGreaterThan(now - 60_000);
});

test('the filters choose, and are in the address', async ({ open }) => {
  const page = await open('Viewer', '/a/betrace-app/violations');
  const link = page.getByRole('row').filter({ hasText: traceId.slice(0, 8) });
  await expect(link).toBeVisible();

  await page.getByLabel('Severity').click();
  await page.getByRole('option', { name: 'LOW' }).click();
  await expect(page).toHaveURL(/severity=LOW/);
  await expect(page.getByText('No violation', { exact: true })).toBeVisible();

  await page.getByLabel('Severity').click();
  await page.getByRole('option', { name: 'HIGH' }).click();
  await expect(link).toBeVisible();

  await page.getByLabel('Rule').click();
  await page.getByRole('option', { name: SHIP_RULE.name }).first().click();
  await expect(page).toHaveURL(new RegExp(`ruleId=${ruleId}`));
  await expect(page.getByRole('row')).toHaveCount(2);

  await page.getByLabel('Trace id').fill('f'.repeat(32));
  await expect(page.getByText('No violation', { exact: true })).toBeVisible();
  await page.getByLabel('Trace id').fill('no id');
  await expect(page.getByText('32 hexadecimal digits')).toBeVisible();

  await page.goBack();
  await expect(link).toBeVisible();
});

test('a time without violations shows none', async ({ open }) => {
  const page = await open('Viewer', '/a/betrace-app/violations?from=1577836800000&to=1577923200000');
  await expect(page.getByText('No violation', { exact: true })).toBeVisible();
});

test('a time in an address is found, and one that is none is the last day', async ({ open }) => {
  const hour = 3_600_000;
  for (const query of [`from=${Date.now() - hour}&to=${Date.now() + hour}`, 'from=whenever&to=99%']) {
    const page = await open('Viewer', `/a/betrace-app/violations?traceId=${traceId}&${query}`);
    await expect(page.getByText('1 violation', { exact: true })).toBeVisible();
  }
});

test('a Viewer is not sent to Explore, where Grafana would refuse', async ({ open }) => {
  const page = await open('Viewer', `/a/betrace-app/violations?traceId=${traceId}`);
  await page.getByRole('link', { name: SHIP_RULE.name }).click();
  await expect(page.getByText('verified', { exact: true })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Open in Tempo' })).toBeHidden();
});

test('the overview counts it', async ({ backend, open }) => {
  const { totalCount } = await backend.call<{ totalCount: number }>('GET', 'violations');
  const page = await open('Viewer', '/a/betrace-app');
  const tile = (label: string) => page.locator('dl > div').filter({ has: page.getByText(label, { exact: true }) });
  await expect(tile('Violations').locator('dd')).toHaveText(String(totalCount));
  await expect(tile('Rules enabled').locator('dd')).toHaveText('1 of 1');
  await expect(tile('Backend').locator('dd').first()).toHaveText('Ready');
  await expect(page.getByRole('img', { name: `${totalCount} violations` })).toBeVisible();
  await expect(
    page.getByRole('region', { name: 'Latest violations' }).getByRole('link', { name: SHIP_RULE.name }).first()
  ).toBeVisible();
  await page
    .getByRole('region', { name: 'Rules broken most' })
    .getByRole('link', { name: SHIP_RULE.name })
    .first()
    .click();
  await expect(page).toHaveURL(/violations\?ruleId=/);
});

test('a violation that is not there is said so', async ({ open }) => {
  const page = await open('Viewer', '/a/betrace-app/violations/none');
  await expect(page.getByText('There is no such violation')).toBeVisible();
});

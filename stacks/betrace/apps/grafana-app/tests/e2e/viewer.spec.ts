// What a Viewer may not do is neither offered nor, when asked of Grafana's server past the pages, done.
import { expect, SHIP_RULE, test } from './fixtures';

test.beforeEach(async ({ backend }) => {
  await backend.clearRules();
  await backend.addRule(SHIP_RULE);
});

test('a Viewer reads rules and is offered no change', async ({ open }) => {
  const page = await open('Viewer', '/a/betrace-app/rules');
  await expect(page.getByRole('switch', { name: `Enable ${SHIP_RULE.name}` })).toBeDisabled();
  await expect(page.getByRole('link', { name: 'New rule' })).toBeHidden();
  await expect(page.getByRole('button', { name: /^Delete/ })).toBeHidden();

  await page.getByRole('link', { name: SHIP_RULE.name }).click();
  await expect(page.getByLabel('Expression')).toHaveValue(SHIP_RULE.expression);
  await expect(page.getByLabel('Expression')).not.toBeEditable();
  await expect(page.getByRole('button', { name: 'Save rule' })).toBeHidden();
  await expect(page.getByRole('button', { name: 'Delete' })).toBeHidden();
});

test('the page for a new rule tells a Viewer why it is empty', async ({ open }) => {
  const page = await open('Viewer', '/a/betrace-app/rules/new');
  await expect(page.getByText('Rules are written by Editors and Admins')).toBeVisible();
});

test('the proxy refuses what a Viewer sends past the pages', async ({ backend, open }) => {
  const page = await open('Viewer', '/a/betrace-app/rules');
  const [before] = await backend.rules();
  const proxy = '/api/plugin-proxy/betrace-app/api';
  const requests: Array<[string, string]> = [
    ['POST', 'write/rules'],
    ['PUT', `write/rules/${before.id}`],
    ['DELETE', `write/rules/${before.id}`],
    ['POST', `write/rules/${before.id}/disable`],
  ];
  for (const [method, path] of requests) {
    const response = await page.request.fetch(`${proxy}/${path}`.replace(/^/, new URL(page.url()).origin), {
      method,
      data: { ...SHIP_RULE, name: 'Changed' },
    });
    expect(response.status(), `${method} ${path}`).toBe(403);
  }
  expect(await backend.rules()).toEqual([before]);
});

test('an Editor whose role was taken away learns it from the page', async ({ backend, open, context, grafana }) => {
  const page = await open('Editor', '/a/betrace-app/rules');
  await context.addCookies([{ name: 'role', value: 'Viewer', url: grafana.url }]);
  const toggle = page.getByRole('switch', { name: `Enable ${SHIP_RULE.name}` });
  await page.locator(`label[for="${await toggle.getAttribute('id')}"]`).click();
  await expect(page.getByText('Your role does not allow this')).toBeVisible();
  expect((await backend.rules())[0].enabled).toBe(true);
});

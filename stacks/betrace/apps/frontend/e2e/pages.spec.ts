// What every page has, and the pages that the story doesn't come by.

import { readdirSync } from 'node:fs';
import { dist } from './places';
import { expect, test } from './test';

test('the status page shows the backend and what it says of the services', async ({ page, look }) => {
  await page.goto('/status');
  await expect(page).toHaveTitle('Status · BeTrace');
  const backend = page.getByRole('region', { name: 'The backend itself' });
  await expect(backend.getByText('Ready', { exact: true })).toBeVisible();
  await expect(backend.getByText('Version')).toBeVisible();
  const services = page.getByRole('region', { name: 'Services' }).getByRole('listitem');
  await expect(services.filter({ hasText: 'alive' })).toContainText('Up', { timeout: 20_000 });
  await expect(services.filter({ hasText: 'gone' })).toContainText('Down');
  await look('10-status');
});

test('an address without a page says so and leads back', async ({ page, look }) => {
  await page.goto('/nothing/here');
  await expect(page.getByRole('heading', { level: 1, name: 'Page not found' })).toBeVisible();
  await look('11-not-found');
  await page.getByRole('link', { name: 'Go to the dashboard' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Dashboard' })).toBeFocused();
});

test('rules and violations that do not exist are said to be missing', async ({ page, look }) => {
  await page.goto('/rules/no-such-rule');
  await expect(page.getByRole('alert')).toContainText('The rule could not be loaded');
  await page.goto('/violations/no-such-violation');
  await expect(page.getByRole('alert')).toContainText('The violation could not be loaded');
  await look('12-missing');
});

test('the keyboard alone is enough', async ({ page }) => {
  await page.goto('/rules');
  await expect(page.getByRole('heading', { level: 1, name: 'Rules' })).toBeVisible();
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to the content' });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'New rule' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'New rule' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('textbox', { name: 'Name' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('textbox', { name: 'Expression' })).toBeFocused();
  await page.keyboard.type('when {');
  // The editor does not keep the focus to itself.
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('Severity')).toBeFocused();
});

test('a chosen colour scheme stays, and the system’s is the first', async ({ page }) => {
  await page.goto('/');
  const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  await expect(page.getByRole('heading', { level: 1, name: 'Dashboard' })).toBeVisible();
  expect(await scheme()).toBe('light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(scheme).toBe('dark');
  await page.getByRole('button', { name: 'Colours: As the system' }).click();
  await page.getByRole('menuitemradio', { name: 'Light' }).click();
  await expect.poll(scheme).toBe('light');
  await page.reload();
  await expect(page.getByRole('button', { name: 'Colours: Light' })).toBeVisible();
  expect(await scheme()).toBe('light');
});

test('the form says what is missing, where it is missing', async ({ page, look }) => {
  await page.goto('/rules/new');
  await page.getByRole('button', { name: 'Create the rule' }).click();
  const name = page.getByRole('textbox', { name: 'Name' });
  await expect(name).toBeFocused();
  await expect(name).toHaveAccessibleDescription(/A rule needs a name/);
  await expect(page.getByRole('textbox', { name: 'Expression' })).toHaveAccessibleDescription(
    'A rule needs an expression.',
  );
  await look('13-rule-missing');
});

test('an example is a rule that the backend takes', async ({ page }) => {
  await page.goto('/rules/new');
  for (const use of await page.getByRole('button', { name: /^Use the example/ }).all()) {
    const checked = page.waitForResponse('**/v1/rules/validate');
    await use.click();
    expect(await (await checked).json()).toMatchObject({ valid: true });
  }
});

test('a name that is taken is refused in the backend’s words', async ({ page, stack, look }) => {
  const rule = { name: 'Taken', expression: 'when { a } always { b }' };
  const made = await fetch(`${stack.web.url}/v1/rules`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(rule),
  });
  expect(made.status).toBe(201);
  await page.goto('/rules/new');
  await page.getByRole('textbox', { name: 'Name' }).fill('Taken');
  await page.getByRole('textbox', { name: 'Expression' }).click();
  await page.keyboard.type(rule.expression);
  const answer = page.waitForResponse(
    (response) => response.request().method() === 'POST' && response.status() === 409,
  );
  await page.getByRole('button', { name: 'Create the rule' }).click();
  const { message } = await (await answer).json();
  await expect(page.getByRole('alert')).toContainText('The rule is not saved');
  await expect(page.getByRole('alert')).toContainText(message);
  await look('14-rule-taken');
});

test('a page whose files are gone says so, and the others still work', async ({ context, stack }) => {
  // A page of its own: the browser's errors are meant here.
  const page = await context.newPage();
  await page.route('**/assets/RulePage-*.js', (route) => route.fulfill({ status: 404 }));
  await page.goto(`${stack.web.url}/rules`);
  await page.getByRole('link', { name: 'New rule' }).click();
  await expect(page.getByRole('alert')).toContainText('This page could not be shown');
  await expect(page.getByRole('button', { name: 'Load it again' })).toBeVisible();
  await page.getByRole('link', { name: 'Status', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Status' })).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('there are no source maps', () => {
  const names = readdirSync(dist, { recursive: true }).map(String);
  expect(names.filter((name) => name.endsWith('.map'))).toEqual([]);
});

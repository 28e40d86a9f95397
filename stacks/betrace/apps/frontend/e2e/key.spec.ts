// A backend that wants a key from those who change something.

import { expect, test as plain, withStack } from './test';

const key = 'key-of-these-tests';

const test = plain.extend({
  // biome-ignore lint/correctness/noEmptyPattern: the tool reads which fixtures are needed from the pattern
  stack: async ({}, use) => withStack({ BETRACE_API_KEY: key }, use),
});

test('the key is asked for, kept for the tab, and sent', async ({ page, look }) => {
  await page.goto('/rules/new');
  await page.getByRole('textbox', { name: 'Name' }).fill('With a key');
  await page.getByRole('textbox', { name: 'Expression' }).click();
  await page.keyboard.type('when { a } always { b }');
  await page.getByRole('button', { name: 'Create the rule' }).click();
  const dialog = page.getByRole('dialog', { name: 'An API key is needed' });
  await expect(dialog.getByLabel('API key', { exact: true })).toBeFocused();
  await look('30-key');

  await dialog.getByLabel('API key', { exact: true }).fill('a wrong one');
  await page.keyboard.press('Enter');
  await expect(dialog).toContainText('no spaces');
  await dialog.getByLabel('API key', { exact: true }).fill('wrong');
  await page.keyboard.press('Enter');
  await expect(dialog).toContainText('did not take the key');
  await dialog.getByLabel('API key', { exact: true }).fill(key);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Rules' })).toBeVisible();

  await page.reload();
  await page.getByRole('switch').click({ force: true });
  await expect(page.getByText('Disabled', { exact: true }).last()).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('who has no key sees why nothing was changed', async ({ page }) => {
  await page.goto('/rules/new');
  await page.getByRole('textbox', { name: 'Name' }).fill('Without a key');
  await page.getByRole('textbox', { name: 'Expression' }).click();
  await page.keyboard.type('when { a } always { b }');
  await page.getByRole('button', { name: 'Create the rule' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('alert')).toContainText('The rule is not saved');
  await page.goto('/rules');
  await expect(page.getByText('There are no rules yet')).toBeVisible();
});

test('a key can be given beforehand and forgotten', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'API key' }).click();
  const dialog = page.getByRole('dialog', { name: 'API key' });
  await dialog.getByLabel('API key', { exact: true }).fill(key);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  const asked = page.waitForRequest('**/v1/violations?*');
  await page.getByRole('link', { name: 'Violations', exact: true }).click();
  expect((await asked).headers()['x-api-key']).toBe(key);
  await page.getByRole('button', { name: 'API key' }).click();
  await dialog.getByLabel('API key', { exact: true }).fill('');
  await dialog.getByRole('button', { name: 'Save' }).click();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

// From nothing to a rule, a violation and back: what a person does with BeTrace, at every width and in both schemes.

import type { Page } from '@playwright/test';
import { expect, test } from './test';
import { order, sendTrace } from './traces';

const wrong = 'when { order.ship.where(total > ) }\nalways { fraud.check }';
const right = '// Only large ones.\nwhen { order.ship.where(total > 500) }\nalways { fraud.check }';

const write = async (page: Page, expression: string) => {
  const editor = page.getByRole('textbox', { name: 'Expression' });
  await editor.click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(expression);
};

test('a rule is written, broken, followed to its spans, changed and deleted', async ({ page, stack, look }) => {
  await test.step('without rules the dashboard says what to do', async () => {
    await page.goto('/');
    await expect(page.getByText('There are no rules yet')).toBeVisible();
    await look('01-dashboard-empty');
    await page.getByRole('link', { name: 'Write the first rule' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'New rule' })).toBeFocused();
  });

  await test.step('a wrong expression is marked where it is wrong', async () => {
    await page.getByRole('textbox', { name: 'Name' }).fill('Large orders are checked for fraud');
    await write(page, wrong);
    const said = page.getByRole('status').filter({ hasText: /Line 1, column 3[0-9]: / });
    await expect(said).toBeVisible();
    await expect(page.locator('.cm-lintRange-error')).toBeVisible();
    await expect(page.locator('.cm-lint-marker-error')).toBeVisible();
    const editor = page.getByRole('textbox', { name: 'Expression' });
    await expect(editor).toHaveAttribute('aria-invalid', 'true');
    await expect(editor).toHaveAccessibleDescription(/Line 1, column/);
    await look('02-rule-wrong');
    await page.getByRole('button', { name: 'Create the rule' }).click();
    await expect(page.getByRole('heading', { name: 'New rule' })).toBeVisible();
  });

  await test.step('the right one is saved', async () => {
    await write(page, right);
    await expect(page.getByText('This is a valid rule.')).toBeVisible();
    await expect(page.locator('.cm-lintRange-error')).toHaveCount(0);
    await page.getByLabel('Severity').selectOption('Critical');
    await page
      .getByRole('textbox', { name: 'Description' })
      .fill('Ask the fraud team before anything is shipped.');
    await page.getByRole('combobox', { name: 'Tags' }).fill('orders');
    await page.keyboard.press('Enter');
    await look('03-rule-right');
    await page.getByRole('button', { name: 'Create the rule' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Rules' })).toBeVisible();
    await expect(page.getByRole('list', { name: 'Rules' }).getByRole('listitem')).toHaveCount(1);
    await look('04-rules');
  });

  const broken = await sendTrace(stack.web.url, order(900, false));
  await sendTrace(stack.web.url, order(900, true));
  await sendTrace(stack.web.url, order(100, false));

  await test.step('the trace that broke it appears on the dashboard by itself', async () => {
    await page.getByRole('link', { name: 'Dashboard', exact: true }).click();
    const latest = page.getByRole('list', { name: 'Latest violations' });
    await expect(latest.getByRole('listitem')).toHaveCount(1, { timeout: 30_000 });
    await expect(page.getByRole('link', { name: /Critical 1$/ })).toBeVisible({ timeout: 15_000 });
    await expect(page.getByText('Last 24 hours: 1 violation')).toBeVisible();
    // The two traces that keep the rule have had as long to be judged.
    await page.waitForTimeout(2_000);
    await expect(latest.getByRole('listitem')).toHaveCount(1);
    await look('05-dashboard');
  });

  await test.step('and leads to its spans', async () => {
    await page.getByRole('list', { name: 'Latest violations' }).getByRole('link').click();
    await expect(
      page.getByRole('heading', { level: 2, name: 'Large orders are checked for fraud' }),
    ).toBeVisible();
    await expect(page.getByText('Signature verified')).toBeVisible();
    await expect(page.getByText(broken).first()).toBeVisible();
    const spans = page.getByRole('list', { name: 'Spans, each below its parent' }).locator('> li');
    await expect(spans).toHaveCount(4);
    await expect(spans.nth(0)).toContainText('POST /orders');
    await expect(spans.nth(3)).toContainText('order.ship');
    await expect(spans.filter({ hasText: 'Found by the rule' })).toHaveCount(1);
    await expect(spans.nth(3)).toContainText('Found by the rule');
    await spans.nth(3).getByRole('button', { name: 'order.ship' }).click();
    await expect(spans.nth(3)).toContainText('900');
    await look('06-violation');
    await page.getByRole('button', { name: 'Spans below order.place: 2' }).click();
    await expect(spans).toHaveCount(2);
  });

  await test.step('the violations can be filtered', async () => {
    await page.getByRole('link', { name: 'Violations', exact: true }).click();
    const list = page.getByRole('list', { name: 'Violations' });
    await expect(list.getByRole('listitem')).toHaveCount(1);
    await page.getByLabel('Severity').selectOption('Low');
    await expect(page.getByText('No violation fits these filters')).toBeVisible();
    await expect(page).toHaveURL(/severity=LOW/);
    await page.getByLabel('Severity').selectOption('Critical');
    await page.getByLabel('Time').selectOption('Last hour');
    await page.getByLabel('Trace id').fill(`${broken.toUpperCase()} `);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(new RegExp(`trace=${broken}`));
    await expect(list.getByRole('listitem')).toHaveCount(1);
    await page.getByLabel('Trace id').fill('not a trace');
    await page.keyboard.press('Enter');
    await expect(page.getByText('A trace id has 32 hexadecimal digits.')).toBeVisible();
    await page.getByLabel('Trace id').fill('');
    await page.getByLabel('Time').selectOption('From … to …');
    await page.getByLabel('From').fill('2020-01-01T10:00');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/from=2020-01-01T10/);
    await expect(list.getByRole('listitem')).toHaveCount(1);
    await page.getByLabel('To, not included').fill('2020-01-02T10:00');
    await page.keyboard.press('Enter');
    await expect(page.getByText('No violation fits these filters')).toBeVisible();
    await look('07-violations-filtered');
    await page.getByRole('button', { name: 'Clear the filters' }).click();
    await expect(page).toHaveURL(/\/violations$/);
    await look('07-violations');
  });

  await test.step('the rule is changed and switched off', async () => {
    await page.getByRole('link', { name: 'Rules', exact: true }).click();
    await page.getByRole('link', { name: 'Edit Large orders are checked for fraud' }).click();
    const name = page.getByRole('textbox', { name: 'Name' });
    await expect(name).toHaveValue('Large orders are checked for fraud');
    await expect(page.getByRole('textbox', { name: 'Expression' })).toContainText('total > 500');
    await name.fill('Orders over 500 are checked');
    await page.getByLabel('Severity').selectOption('High');
    await look('08-rule-edit');
    await page.getByRole('button', { name: 'Save the rule' }).click();
    const row = page.getByRole('listitem').filter({ hasText: 'Orders over 500 are checked' });
    await expect(row).toContainText('High');
    await row.getByRole('switch').click({ force: true });
    await expect(row.getByText('Disabled')).toBeVisible();
    await page.reload();
    await expect(row.getByText('Disabled')).toBeVisible();
  });

  await test.step('the rule is deleted, what it found stays', async () => {
    await page.getByRole('button', { name: 'Delete Orders over 500 are checked' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this rule?' });
    await expect(dialog.getByRole('button', { name: 'Keep it' })).toBeFocused();
    await look('09-rule-delete');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByText('There are no rules yet')).toBeVisible();
    await page.getByRole('link', { name: 'Violations', exact: true }).click();
    await page.getByRole('list', { name: 'Violations' }).getByRole('link').click();
    await expect(page.getByText('(deleted)')).toBeVisible();
    await expect(page.getByText('Signature verified')).toBeVisible();
  });
});

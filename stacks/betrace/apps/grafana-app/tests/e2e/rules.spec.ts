import { expect, SHIP_RULE, test } from './fixtures';

test.beforeEach(({ backend }) => backend.clearRules());

test('an Editor writes a rule, and its errors are shown while typing', async ({ backend, open }) => {
  const page = await open('Editor', '/a/betrace-app/rules');
  await page.getByRole('link', { name: 'New rule' }).click();
  const save = page.getByRole('button', { name: 'Save rule' });
  await expect(save).toBeDisabled();

  await page.getByLabel('Name').fill(SHIP_RULE.name);
  const expression = page.getByLabel('Expression');
  await expression.fill('when { order.ship }\nallways { label.scan }');
  await expect(page.getByText('Line 2, column 1:')).toBeVisible();
  await expect(page.getByTestId('excerpt').locator('mark')).toHaveText('allways');
  await expect(save).toBeDisabled();

  await page.getByRole('button', { name: 'Show in the text' }).click();
  expect(
    await expression.evaluate((area: HTMLTextAreaElement) => area.value.slice(area.selectionStart, area.selectionEnd))
  ).toBe('allways');

  await expression.fill(SHIP_RULE.expression);
  await expect(page.getByText('This is a rule.')).toBeVisible();
  await page.getByRole('radio', { name: 'HIGH' }).check();
  await save.click();

  await expect(page.getByRole('link', { name: SHIP_RULE.name })).toBeVisible();
  const [rule] = await backend.rules();
  expect(rule).toMatchObject({
    name: SHIP_RULE.name,
    expression: SHIP_RULE.expression,
    severity: 'HIGH',
    enabled: true,
  });
});

test('a change of the text after it was checked has to be checked again', async ({ open }) => {
  const page = await open('Editor', '/a/betrace-app/rules/new');
  await page.getByLabel('Name').fill('x');
  await page.getByLabel('Expression').fill(SHIP_RULE.expression);
  const save = page.getByRole('button', { name: 'Save rule' });
  await expect(save).toBeEnabled();
  await page.getByLabel('Expression').press('Backspace');
  await expect(save).toBeDisabled();
});

test('an Editor changes a rule and keeps what was not touched', async ({ backend, open }) => {
  const before = await backend.addRule(SHIP_RULE);
  const page = await open('Editor', '/a/betrace-app/rules');
  await page.getByRole('link', { name: SHIP_RULE.name }).click();
  await page.getByLabel('Name').fill('Parcels are scanned');
  await page.getByRole('button', { name: 'Save rule' }).click();
  await expect(page.getByRole('link', { name: 'Parcels are scanned' })).toBeVisible();
  const [after] = await backend.rules();
  expect({ ...after, updatedAt: '' }).toEqual({ ...before, name: 'Parcels are scanned', updatedAt: '' });
});

test('what the backend refuses is told, and nothing that was typed is lost', async ({ backend, open }) => {
  await backend.addRule(SHIP_RULE);
  const page = await open('Editor', '/a/betrace-app/rules/new');
  await page.getByLabel('Name').fill(SHIP_RULE.name);
  await page.getByLabel('Expression').fill(SHIP_RULE.expression);
  await page.getByRole('button', { name: 'Save rule' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'The rule was not saved' })).toBeVisible();
  await expect(page.getByLabel('Name')).toHaveValue(SHIP_RULE.name);
  expect(await backend.rules()).toHaveLength(1);
});

test('an Editor turns a rule off and on', async ({ backend, open }) => {
  await backend.addRule(SHIP_RULE);
  const page = await open('Editor', '/a/betrace-app/rules');
  const toggle = page.getByRole('switch', { name: `Enable ${SHIP_RULE.name}` });
  for (const enabled of [false, true]) {
    await page.locator(`label[for="${await toggle.getAttribute('id')}"]`).click();
    await expect.poll(async () => (await backend.rules())[0].enabled).toBe(enabled);
    await expect(toggle).toBeChecked({ checked: enabled });
  }
});

test('a rule is deleted only after a second yes', async ({ backend, open }) => {
  await backend.addRule(SHIP_RULE);
  const page = await open('Editor', '/a/betrace-app/rules');
  const bin = page.getByRole('button', { name: `Delete ${SHIP_RULE.name}` });
  await bin.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  expect(await backend.rules()).toHaveLength(1);
  await bin.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('There are no rules yet')).toBeVisible();
  expect(await backend.rules()).toEqual([]);
});

test('rules are found by any of their words', async ({ backend, open }) => {
  await backend.addRule(SHIP_RULE);
  await backend.addRule({
    ...SHIP_RULE,
    name: 'Queries are few',
    expression: 'when { db.query } always { db.close }',
    tags: ['db'],
  });
  const page = await open('Viewer', '/a/betrace-app/rules');
  await page.getByLabel('Search rules').fill('db.close');
  await expect(page.getByRole('link', { name: 'Queries are few' })).toBeVisible();
  await expect(page.getByRole('link', { name: SHIP_RULE.name })).toBeHidden();
  await page.getByLabel('Search rules').fill('nothing like it');
  await expect(page.getByText('No rule is like that')).toBeVisible();
});

test('a rule that is not there is said so', async ({ open }) => {
  const page = await open('Viewer', '/a/betrace-app/rules/id/none');
  await expect(page.getByText('There is no such rule')).toBeVisible();
});

import { expect, SHIP_RULE, test, UNSCANNED } from './fixtures';

test('a trace is looked up by its id', async ({ backend, open }) => {
  await backend.clearRules();
  await backend.addRule(SHIP_RULE);
  const traceId = await backend.send(UNSCANNED);
  await backend.untilViolated(traceId, 1);

  const page = await open('Editor', '/a/betrace-app/traces');
  await page.getByLabel('Trace id').fill('not an id');
  await page.getByRole('button', { name: 'Look up' }).click();
  await expect(page.getByText('32 hexadecimal digits are needed')).toBeVisible();

  await page.getByLabel('Trace id').fill(` ${traceId.toUpperCase()} `);
  await page.getByLabel('Trace id').press('Enter');
  await expect(page).toHaveURL(new RegExp(`/traces/${traceId}$`));
  await expect(page.getByText('judged', { exact: true })).toBeVisible();
  await expect(page.getByRole('list', { name: 'Spans' }).getByRole('listitem')).toHaveCount(5);
  await expect(page.getByRole('link', { name: 'Open in Tempo' })).toBeVisible();

  await page.getByRole('link', { name: SHIP_RULE.name }).click();
  await expect(page.getByText('1 violation', { exact: true })).toBeVisible();
});

test('a trace that nobody knows is said so, without blame', async ({ open }) => {
  const page = await open('Viewer', `/a/betrace-app/traces/${'e'.repeat(32)}`);
  await expect(page.getByText('BeTrace does not know this trace')).toBeVisible();
});

test('an address with a wrong id is said so', async ({ open }) => {
  const page = await open('Viewer', '/a/betrace-app/traces/xyz');
  await expect(page.getByText('This is not the id of a trace')).toBeVisible();
});

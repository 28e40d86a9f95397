import { API_KEY } from './backend';
import { expect, test } from './fixtures';

test.afterEach(({ backend, grafana }) => {
  grafana.settings.jsonData = { backendUrl: backend.url };
  grafana.settings.secureJsonData = { apiKey: API_KEY };
});

test('shows what was provisioned, but never the key', async ({ backend, open }) => {
  const answers: string[] = [];
  const page = await open('Admin', '/a/betrace-app');
  page.on('response', async (response) => answers.push(await response.text().catch(() => '')));
  await page.getByRole('link', { name: 'Configuration' }).click();
  await expect(page.getByLabel('Address')).toHaveValue(backend.url);
  await expect(page.getByRole('button', { name: 'Reset' })).toBeVisible();
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.join('\n')).not.toContain(API_KEY);
});

test('tests the connection, and leaves a key alone that was not touched', async ({ backend, grafana, open }) => {
  const before = await backend.rules();
  const page = await open('Admin', '/plugins/betrace-app');
  await page.getByLabel('Address').fill(`${backend.url}/`);
  await page.getByRole('button', { name: 'Save and test' }).click();
  await expect(page.getByText('The backend answers')).toBeVisible();
  expect(grafana.settings.jsonData).toEqual({ backendUrl: backend.url });
  expect(grafana.settings.secureJsonData).toEqual({ apiKey: API_KEY });
  expect(await backend.rules()).toEqual(before);
});

test('says when nothing answers at the address', async ({ open }) => {
  const page = await open('Admin', '/plugins/betrace-app');
  await page.getByLabel('Address').fill('http://127.0.0.1:9');
  await page.getByRole('button', { name: 'Save and test' }).click();
  await expect(page.getByText('No answer from the backend')).toBeVisible();
});

test('says when the backend refuses the key', async ({ grafana, open }) => {
  const page = await open('Admin', '/plugins/betrace-app');
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByLabel('API key').fill('wrong');
  await page.getByRole('button', { name: 'Save and test' }).click();
  await expect(page.getByText('The backend refuses the API key')).toBeVisible();
  expect(grafana.settings.secureJsonData).toEqual({ apiKey: 'wrong' });
});

test('takes no address that is none', async ({ open }) => {
  const page = await open('Admin', '/plugins/betrace-app');
  await page.getByLabel('Address').fill('backend:12011');
  await expect(page.getByText('has to start with http://')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save and test' })).toBeDisabled();
});

test('only Admins are led here', async ({ open }) => {
  const page = await open('Editor', '/a/betrace-app');
  await expect(page.getByRole('link', { name: 'Rules', exact: true })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Configuration' })).toBeHidden();
});

test('pages say what is wrong when the backend is gone, and recover', async ({ backend, grafana, open }) => {
  grafana.settings.jsonData = { backendUrl: 'http://127.0.0.1:9' };
  const page = await open('Viewer', '/a/betrace-app/rules');
  await expect(page.getByText('The backend cannot be reached')).toBeVisible();
  grafana.settings.jsonData = { backendUrl: backend.url };
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('The backend cannot be reached')).toBeHidden();
});

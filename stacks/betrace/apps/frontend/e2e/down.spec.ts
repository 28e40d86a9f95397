// A backend that goes away and comes back.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBackend } from './backend';
import { expect, test } from './test';

test('pages say that the backend is gone, and go on when it is back', async ({ page, stack, look }) => {
  await page.goto('/rules');
  await expect(page.getByText('There are no rules yet')).toBeVisible();
  await stack.backend.stop();
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('The rules could not be loaded', { timeout: 30_000 });
  await expect(page.getByRole('alert')).toContainText('The backend does not answer');
  await look('40-down');
  await page.getByRole('link', { name: 'Status', exact: true }).click();
  await expect(page.getByText('The backend could not be asked')).toBeVisible({ timeout: 30_000 });
  await look('41-status-down');

  const folder = mkdtempSync(join(tmpdir(), 'betrace-e2e-'));
  const again = await startBackend(folder, { BETRACE_PORT_BACKEND: String(stack.backend.port) });
  try {
    await expect(page.getByText('Ready', { exact: true })).toBeVisible({ timeout: 30_000 });
    await page.getByRole('link', { name: 'Rules', exact: true }).click();
    await expect(page.getByText('There are no rules yet')).toBeVisible();
  } finally {
    await again.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

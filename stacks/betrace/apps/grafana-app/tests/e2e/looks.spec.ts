// Every page in both themes, at a desk's and a phone's width: nothing that shuts people out, nothing wider than the
// screen, and a picture to look at in `.out/pictures`.
import { AxeBuilder } from '@axe-core/playwright';
import { expect, SHIP_RULE, test, UNSCANNED } from './fixtures';

const WIDTHS = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

let pages: Array<[string, string, 'Admin' | 'Viewer']>;

test.beforeAll(async ({ backend }) => {
  await backend.clearRules();
  const rule = await backend.addRule(SHIP_RULE);
  await backend.addRule({
    ...SHIP_RULE,
    name: 'Charges are logged',
    severity: 'CRITICAL',
    expression: 'when { payment.charge } always { audit.log }',
    tags: ['compliance'],
  });
  await backend.addRule({
    ...SHIP_RULE,
    name: 'Validation is never skipped',
    severity: 'LOW',
    enabled: false,
    expression: 'when { order.ship } never { order.skip }',
    tags: [],
  });
  const traceId = await backend.send(UNSCANNED);
  await backend.untilViolated(traceId, 2);
  const { violations } = await backend.call<{ violations: Array<{ id: string }> }>(
    'GET',
    `violations?traceId=${traceId}`
  );
  pages = [
    ['overview', '/a/betrace-app', 'Admin'],
    ['rules', '/a/betrace-app/rules', 'Admin'],
    ['rule', `/a/betrace-app/rules/id/${rule.id}`, 'Admin'],
    ['rule-of-viewer', `/a/betrace-app/rules/id/${rule.id}`, 'Viewer'],
    ['violations', '/a/betrace-app/violations', 'Admin'],
    ['violation', `/a/betrace-app/violations/${violations[0].id}`, 'Admin'],
    ['trace', `/a/betrace-app/traces/${traceId}`, 'Admin'],
    ['config', '/plugins/betrace-app', 'Admin'],
  ];
});

for (const theme of ['dark', 'light'] as const) {
  for (const [width, viewport] of Object.entries(WIDTHS)) {
    test(`${theme} at a ${width}`, async ({ open }) => {
      test.setTimeout(120_000);
      for (const [name, path, role] of pages) {
        const page = await open(role, path, theme);
        await page.setViewportSize(viewport);
        await page.waitForLoadState('networkidle');
        await expect(page.getByText('Loading…')).toHaveCount(0);
        await page.screenshot({ path: `.out/pictures/${name}-${theme}-${width}.png`, fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect.soft(wide, `${name} is too wide`).toBeLessThanOrEqual(viewport.width);
        const { violations } = await new AxeBuilder({ page }).include('main').analyze();
        expect.soft(violations.map(({ id, nodes }) => [name, id, nodes.map(({ html }) => html)])).toEqual([]);
      }
    });
  }
}

test('an error in an expression, as it looks', async ({ open }) => {
  const page = await open('Editor', '/a/betrace-app/rules/new');
  await page.getByLabel('Expression').fill('when { order.ship.where(total > 500) }\nallways { label.scan }');
  await expect(page.getByTestId('excerpt')).toBeVisible();
  await page.screenshot({ path: '.out/pictures/error-in-expression.png', fullPage: true });
});

// Real Chromium, the real backend, the built pages behind the stack's own server. See ../README.md.

import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(chromium)) {
  throw new Error(`there is no Chromium at ${chromium}: install it, or say where it is with CHROMIUM=…`);
}

const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const light = { colorScheme: 'light' } as const;
const dark = { colorScheme: 'dark' } as const;

export default defineConfig({
  testDir: '.',
  outputDir: 'results',
  globalSetup: './setup.ts',
  forbidOnly: true,
  workers: 1,
  timeout: 180_000,
  expect: { timeout: 10_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: chromium },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    // Nothing is caught halfway in.
    contextOptions: { reducedMotion: 'reduce' },
    actionTimeout: 10_000,
    trace: 'retain-on-failure',
  },
  projects: [
    { name: 'desktop-light', use: { ...desktop, ...light } },
    { name: 'desktop-dark', use: { ...desktop, ...dark }, testMatch: 'story.spec.ts' },
    { name: 'phone-light', use: { ...phone, ...light }, testIgnore: 'server.spec.ts' },
    { name: 'phone-dark', use: { ...phone, ...dark }, testMatch: 'story.spec.ts' },
  ],
});

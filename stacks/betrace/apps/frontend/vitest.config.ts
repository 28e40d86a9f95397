import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    // Times of day are part of what is tested.
    env: { TZ: 'Europe/Berlin' },
    css: false,
    // Slow machines are no failures.
    testTimeout: 30_000,
  },
});

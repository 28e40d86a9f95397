import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// Where the server of this page passes the backend's paths on to, while developing and in `preview`.
const target = process.env.BETRACE_BACKEND ?? 'http://127.0.0.1:12011';
const proxy = { '/v1': target, '/api': target, '/health': target };

export default defineConfig({
  plugins: [react()],
  server: { port: 12010, proxy },
  preview: { port: 12010, proxy },
  build: {
    sourcemap: false,
    // The content security policy knows files only, no data in addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
});

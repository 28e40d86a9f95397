import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const app = here('..');
export const dist = here('../dist');
export const caddyfile = here('../../../config/Caddyfile');
export const screenshots = here('./screenshots');

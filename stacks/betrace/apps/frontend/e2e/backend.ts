// The real backend, with a data folder and ports of its own.

import { join } from 'node:path';
import { freePort, type Program, start, untilReady } from './process';

export interface Backend extends Program {
  url: string;
  port: number;
}

export async function startBackend(folder: string, more: Record<string, string> = {}): Promise<Backend> {
  const port = Number(more.BETRACE_PORT_BACKEND ?? (await freePort()));
  const env = {
    PATH: process.env.PATH,
    BETRACE_ADDRESS: '127.0.0.1',
    BETRACE_PORT_BACKEND: String(port),
    BETRACE_PORT_GRPC: String(await freePort()),
    BETRACE_DATA_DIR: join(folder, 'data'),
    // One service that answers and one that can't.
    BETRACE_SERVICES: `alive=http://127.0.0.1:${port}/v1/health,gone=http://127.0.0.1:1/ready`,
    BETRACE_SIGNATURE_KEY: 'only-for-these-tests-0123456789abcdef',
    ...more,
  };
  const url = `http://127.0.0.1:${port}`;
  const program = start('the backend', process.env.BETRACE_BACKEND_BIN ?? '', [], { env, cwd: folder });
  await untilReady('the backend', `${url}/v1/ready`, program);
  return { url, port, output: program.output, stop: program.stop };
}

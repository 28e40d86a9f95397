// The real backend, with a folder of its own, and the spans that tests send to it.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Rule, RuleDraft, ViolationList } from '../../src/api/types';

export const API_KEY = 'key-of-the-tests';

export interface Span {
  name: string;
  attributes?: Record<string, string>;
  status?: 'UNSET' | 'OK' | 'ERROR';
  children?: Span[];
}

export class Backend {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly folder: string
  ) {}

  static async start(): Promise<Backend> {
    const binary = process.env.BETRACE_BACKEND_BIN;
    if (!binary) {
      throw new Error('BETRACE_BACKEND_BIN has to name the built backend: these tests run against the real one.');
    }
    const folder = await mkdtemp(join(tmpdir(), 'betrace-'));
    const [http, grpc] = [await freePort(), await freePort()];
    const child = spawn(binary, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        PATH: process.env.PATH,
        BETRACE_PORT_BACKEND: String(http),
        BETRACE_PORT_GRPC: String(grpc),
        BETRACE_DATA_DIR: folder,
        BETRACE_SIGNATURE_KEY: randomBytes(32).toString('hex'),
        BETRACE_API_KEY: API_KEY,
      },
    });
    const backend = new Backend(`http://127.0.0.1:${http}`, child, folder);
    await backend.untilReady();
    return backend;
  }

  async stop() {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await gone;
    await rm(this.folder, { recursive: true });
  }

  private async untilReady() {
    for (let tries = 0; tries < 100; tries++) {
      if (this.process.exitCode !== null) {
        throw new Error(`the backend ended with ${this.process.exitCode}`);
      }
      const response = await fetch(`${this.url}/v1/ready`).catch(() => undefined);
      if (response?.ok) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the backend was not ready after 10 s');
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-api-key': API_KEY },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    }
    return (await response.json()) as T;
  }

  rules = async () => (await this.call<{ rules: Rule[] }>('GET', 'rules')).rules;
  addRule = (rule: Partial<RuleDraft>) => this.call<Rule>('POST', 'rules', rule);

  async clearRules() {
    for (const { id } of await this.rules()) {
      await this.call('DELETE', `rules/${id}`);
    }
  }

  /** Sends a trace, the root first, each child within its parent; answers with the trace's id. */
  async send(root: Span): Promise<string> {
    const traceId = randomBytes(16).toString('hex');
    const now = BigInt(Date.now()) * 1_000_000n;
    const spans: object[] = [];
    const add = (span: Span, parentSpanId: string, start: bigint, end: bigint) => {
      const spanId = randomBytes(8).toString('hex');
      spans.push({
        traceId,
        spanId,
        parentSpanId,
        name: span.name,
        startTime: String(start),
        endTime: String(end),
        attributes: { 'service.name': 'shop', ...span.attributes },
        status: span.status ?? 'OK',
      });
      const children = span.children ?? [];
      const part = (end - start) / BigInt(children.length + 1);
      children.forEach((child, i) =>
        add(child, spanId, start + part * BigInt(i) + part / 4n, start + part * BigInt(i + 1))
      );
    };
    add(root, '', now - 200_000_000n, now);
    const { accepted } = await this.call<{ accepted: number }>('POST', 'spans', { spans });
    if (accepted !== spans.length) {
      throw new Error(`only ${accepted} of ${spans.length} spans were taken`);
    }
    return traceId;
  }

  /** Waits until a trace has been judged and has broken this many rules. */
  async untilViolated(traceId: string, times: number) {
    for (let tries = 0; tries < 150; tries++) {
      const { totalCount } = await this.call<ViolationList>('GET', `violations?traceId=${traceId}`);
      if (totalCount === times) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the trace ${traceId} did not break ${times} rules in 15 s`);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

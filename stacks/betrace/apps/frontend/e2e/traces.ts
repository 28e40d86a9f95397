// Traces sent as a program would send them.

import { randomBytes } from 'node:crypto';
import { expect } from '@playwright/test';

export interface SpanSpec {
  name: string;
  /** Milliseconds from the start of the trace. */
  at: number;
  takes: number;
  attributes?: Record<string, string>;
  status?: string;
  service?: string;
  children?: SpanSpec[];
}

/** Sends one trace through the pages' own address, and gives its id. */
export async function sendTrace(url: string, root: SpanSpec): Promise<string> {
  const traceId = randomBytes(16).toString('hex');
  const start = BigInt(Date.now() - 1000);
  const spans: Record<string, unknown>[] = [];
  const add = (spec: SpanSpec, parentSpanId: string) => {
    const spanId = randomBytes(8).toString('hex');
    spans.push({
      traceId,
      spanId,
      parentSpanId,
      name: spec.name,
      startTime: String((start + BigInt(spec.at)) * 1_000_000n),
      endTime: String((start + BigInt(spec.at + spec.takes)) * 1_000_000n),
      attributes: spec.attributes ?? {},
      status: spec.status ?? 'OK',
      serviceName: spec.service ?? 'shop',
    });
    for (const child of spec.children ?? []) add(child, spanId);
  };
  add(root, '');
  const response = await fetch(`${url}/v1/spans`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ spans }),
  });
  const answer = await response.json();
  expect(answer, 'what the backend says of the spans').toMatchObject({ accepted: spans.length, rejected: 0 });
  return traceId;
}

/** An order of this total; with a check by the fraud service or without. */
export function order(total: number, checked: boolean): SpanSpec {
  const check: SpanSpec[] = checked ? [{ name: 'fraud.check', at: 20, takes: 30, service: 'fraud' }] : [];
  return {
    name: 'POST /orders',
    at: 0,
    takes: 240,
    service: 'gateway',
    attributes: { 'http.route': '/orders' },
    children: [
      {
        name: 'order.place',
        at: 10,
        takes: 200,
        children: [
          ...check,
          { name: 'db.insert', at: 60, takes: 25, service: 'orders-db' },
          { name: 'order.ship', at: 100, takes: 95, attributes: { total: String(total), currency: 'EUR' } },
        ],
      },
    ],
  };
}

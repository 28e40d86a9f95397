import type { Rule, Span, Validation, Violation } from '../api/types';

export function span(spanId: string, parentSpanId: string, startTime: number, endTime: number): Span {
  return {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId,
    parentSpanId,
    name: `span ${spanId}`,
    startTime: String(startTime),
    endTime: String(endTime),
    durationMs: '0',
    attributes: {},
    status: 'OK',
    kind: 'INTERNAL',
    serviceName: 'shop',
  };
}

export const rule: Rule = {
  id: 'r1',
  name: 'Large orders are checked',
  description: 'By the fraud service',
  expression: 'when { order.ship } always { fraud.check }',
  enabled: true,
  severity: 'HIGH',
  tags: ['orders'],
  createdAt: '2026-01-02T03:04:05Z',
  updatedAt: '2026-01-02T03:04:05Z',
};

export const violation: Violation = {
  id: 'v1',
  ruleId: 'r1',
  ruleName: 'Large orders are checked',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  timestamp: '2026-01-02T03:04:05Z',
  severity: 'HIGH',
  message: 'always { fraud.check } does not hold',
  context: { service: 'shop' },
  spanIds: ['b7ad6b7169203331'],
  signature: 'ab'.repeat(32),
  verified: true,
};

export function wrongAt(line: number, column: number, endLine = 0, endColumn = 0): Validation {
  return { valid: false, error: 'expected a block', line, column, hint: '', endLine, endColumn };
}

import { describe, expect, test } from 'vitest';
import type { Span } from '../../src/api/types';
import { spanRows } from '../../src/lib/spans';

const T0 = 1_764_000_000_000_000_000n;

function span(spanId: string, parentSpanId: string, from: number, to: number): Span {
  return {
    traceId: 'a'.repeat(32),
    spanId,
    parentSpanId,
    name: spanId,
    startTime: String(T0 + BigInt(from)),
    endTime: String(T0 + BigInt(to)),
    durationMs: '0',
    attributes: {},
    status: 'UNSET',
    kind: 'INTERNAL',
    serviceName: 'shop',
  };
}

const tree = (spans: Span[]) => spanRows(spans).map(({ span: { spanId }, depth }) => `${'  '.repeat(depth)}${spanId}`);

describe('spanRows', () => {
  test('puts each span below its parent, siblings by time', () => {
    const spans = [
      span('late', 'root', 50, 60),
      span('leaf', 'early', 12, 14),
      span('root', '', 0, 100),
      span('early', 'root', 10, 20),
    ];
    expect(tree(spans)).toEqual(['root', '  early', '    leaf', '  late']);
  });

  test('shows a span whose parent is not there as a root', () => {
    expect(tree([span('a', 'gone', 0, 1), span('b', 'a', 0, 1)])).toEqual(['a', '  b']);
  });

  test('hides no span of a circle', () => {
    expect(
      tree([span('a', 'b', 0, 1), span('b', 'a', 0, 1), span('self', 'self', 2, 3)])
        .map((s) => s.trim())
        .sort()
    ).toEqual(['a', 'b', 'self']);
  });

  test('tells nanoseconds apart, which a number of this size cannot', () => {
    const [, second] = spanRows([span('root', '', 0, 4), span('child', 'root', 1, 3)]);
    expect([second.left, second.width]).toEqual([0.25, 0.5]);
  });

  test('takes a trace that is thousands of spans deep', () => {
    const deep = Array.from({ length: 10_000 }, (_, i) => span(`s${i}`, i === 0 ? '' : `s${i - 1}`, i, 10_000));
    expect(spanRows(deep).at(-1)?.depth).toBe(9_999);
  });

  test('is empty for no spans', () => {
    expect(spanRows([])).toEqual([]);
  });

  test('keeps a bar within the trace when a clock is wrong', () => {
    const rows = spanRows([span('root', '', 0, 10), span('child', 'root', 8, 4)]);
    expect(rows[1].width).toBe(0);
  });
});

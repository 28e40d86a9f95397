import type { Span } from '../api/types';

export interface SpanRow {
  span: Span;
  /** How deep below the first span of the trace. */
  depth: number;
  /** Where the span lies in the time of the trace, from 0 to 1. */
  left: number;
  width: number;
}

/** The spans of a trace, each below its parent and siblings by time. A span whose parent is not there is a root. */
export function spanRows(spans: Span[]): SpanRow[] {
  if (spans.length === 0) {
    return [];
  }
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  for (const span of [...spans].sort(byStart)) {
    const parent = byId.get(span.parentSpanId);
    if (!parent || parent === span) {
      roots.push(span);
    } else {
      children.set(parent.spanId, [...(children.get(parent.spanId) ?? []), span]);
    }
  }

  const begin = min(spans.map((span) => BigInt(span.startTime)));
  const whole = Number(max(spans.map((span) => BigInt(span.endTime))) - begin) || 1;
  const rows: SpanRow[] = [];
  const seen = new Set<Span>();
  // A stack of its own, since a trace may be thousands of spans deep.
  const visit = (root: Span) => {
    const stack = [{ span: root, depth: 0 }];
    for (let next = stack.pop(); next; next = stack.pop()) {
      const { span, depth } = next;
      if (seen.has(span)) {
        continue;
      }
      seen.add(span);
      const left = Number(BigInt(span.startTime) - begin) / whole;
      const width = Number(BigInt(span.endTime) - BigInt(span.startTime)) / whole;
      rows.push({ span, depth, left, width: Math.max(0, Math.min(width, 1 - left)) });
      for (const child of [...(children.get(span.spanId) ?? [])].reverse()) {
        stack.push({ span: child, depth: depth + 1 });
      }
    }
  };
  roots.forEach(visit);
  // Spans that are each other's parents have no root; none may be hidden.
  spans.forEach(visit);
  return rows;
}

function byStart(a: Span, b: Span): number {
  const difference = BigInt(a.startTime) - BigInt(b.startTime);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const min = (values: bigint[]) => values.reduce((a, b) => (b < a ? b : a));
const max = (values: bigint[]) => values.reduce((a, b) => (b > a ? b : a));

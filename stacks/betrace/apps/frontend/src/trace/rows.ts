// The spans of a trace as rows: each under its parent, children by time, with its place on the time axis.

import type { Span } from '../api/types';

export interface Row {
  span: Span;
  /** Its place among all rows; span ids come from outside and may be there twice. */
  position: number;
  depth: number;
  /** How many spans lie below it, at any depth. */
  descendants: number;
  /** Whether it names a parent that is not among the spans. */
  orphan: boolean;
  /** From the start of the trace. */
  offsetNanos: bigint;
  durationNanos: bigint;
  /** Where its bar starts and how long it is, in percent of the trace. */
  left: number;
  width: number;
}

export interface Waterfall {
  rows: Row[];
  durationNanos: bigint;
}

interface Node {
  span: Span;
  start: bigint;
  end: bigint;
  children: Node[];
  orphan: boolean;
}

export function buildWaterfall(spans: Span[]): Waterfall {
  const nodes = spans.map(toNode);
  const starts = nodes.map((node) => node.start);
  const first = starts.reduce((a, b) => (b < a ? b : a), starts[0] ?? 0n);
  const last = nodes.reduce((end, node) => (node.end > end ? node.end : end), first);
  const rows: Row[] = [];
  for (const root of link(nodes)) addRows(root, first, last - first, rows);
  return { rows, durationNanos: last - first };
}

function toNode(span: Span): Node {
  const start = nanos(span.startTime);
  const end = nanos(span.endTime);
  return { span, start, end: end < start ? start : end, children: [], orphan: false };
}

/** Puts every node under its parent and gives the roots: what has no parent here, and one of each ring of parents. */
function link(nodes: Node[]): Node[] {
  const byId = new Map<string, Node>();
  for (const node of nodes) if (!byId.has(node.span.spanId)) byId.set(node.span.spanId, node);
  const parentOf = (node: Node) => byId.get(node.span.parentSpanId);
  const roots: Node[] = [];
  const settled = new Set<Node>();
  for (const node of nodes) {
    if (settled.has(node)) continue;
    const path: Node[] = [];
    const onPath = new Set<Node>();
    let current: Node | undefined = node;
    while (current && !settled.has(current) && !onPath.has(current)) {
      path.push(current);
      onPath.add(current);
      current = parentOf(current);
    }
    for (const member of path.reverse()) {
      const parent = parentOf(member);
      // The last of the path ends a ring where its parent is not yet placed.
      if (parent && settled.has(parent)) parent.children.push(member);
      else {
        member.orphan = member.span.parentSpanId !== '';
        roots.push(member);
      }
      settled.add(member);
    }
  }
  for (const node of nodes) node.children.sort(byStart);
  return roots.sort(byStart);
}

/** Depth first, without recursion: traces can be deeper than the stack. */
function addRows(root: Node, first: bigint, total: bigint, rows: Row[]): void {
  const pending: { node: Node; depth: number }[] = [{ node: root, depth: 0 }];
  const from = rows.length;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, depth } = next;
    const durationNanos = node.end - node.start;
    const left = percent(node.start - first, total);
    rows.push({
      span: node.span,
      position: rows.length,
      depth,
      descendants: 0,
      orphan: node.orphan,
      offsetNanos: node.start - first,
      durationNanos,
      left,
      width: total === 0n ? 100 : percent(durationNanos, total),
    });
    for (const child of [...node.children].reverse()) pending.push({ node: child, depth: depth + 1 });
  }
  countDescendants(rows, from);
}

function countDescendants(rows: Row[], from: number): void {
  const open: number[] = [];
  const close = (depth: number, end: number) => {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const row = rows[top];
      if (row === undefined || row.depth < depth) return;
      row.descendants = end - top - 1;
      open.pop();
    }
  };
  for (let index = from; index < rows.length; index++) {
    close(rows[index]?.depth ?? 0, index);
    open.push(index);
  }
  close(0, rows.length);
}

/** The rows that are seen when those at some positions are folded: what lies below them is not. */
export function visibleRows(rows: Row[], folded: ReadonlySet<number>): Row[] {
  const seen: Row[] = [];
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index];
    if (row === undefined) break;
    seen.push(row);
    if (folded.has(row.position)) index += row.descendants;
  }
  return seen;
}

/** How many rows of a long trace have to be shown so that every matched span is among them. */
export function rowsToShow(rows: Row[], matched: ReadonlySet<string>, atLeast: number, atMost: number): number {
  let last = -1;
  for (const [index, row] of rows.entries()) {
    if (index >= atMost) break;
    if (matched.has(row.span.spanId)) last = index;
  }
  return Math.min(rows.length, Math.max(atLeast, last + 1));
}

function byStart(a: Node, b: Node): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1;
  return a.span.spanId < b.span.spanId ? -1 : a.span.spanId > b.span.spanId ? 1 : 0;
}

function percent(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * 100_000n) / whole) / 1000;
}

function nanos(text: string): bigint {
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}

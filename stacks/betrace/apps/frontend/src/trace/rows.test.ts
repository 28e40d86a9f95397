import { describe, expect, it } from 'vitest';
import type { Span } from '../api/types';
import { span } from '../test/data';
import { buildWaterfall, rowsToShow, visibleRows } from './rows';

const shape = (spans: Span[]) =>
  buildWaterfall(spans).rows.map((row) => `${'.'.repeat(row.depth)}${row.span.spanId}`);

describe('the order of rows', () => {
  it('puts children below their parent, by start and then by id', () => {
    const spans = [span('d', 'a', 30, 40), span('c', 'b', 12, 15), span('b', 'a', 10, 20), span('a', '', 0, 100)];
    expect(shape(spans)).toEqual(['a', '.b', '..c', '.d']);
    expect(shape([span('z', '', 5, 6), span('y', '', 5, 6)])).toEqual(['y', 'z']);
  });

  it('takes spans whose parent is missing as roots and says so', () => {
    const { rows } = buildWaterfall([span('a', '', 0, 9), span('b', 'gone', 1, 2)]);
    expect(rows.map((row) => [row.span.spanId, row.depth, row.orphan])).toEqual([
      ['a', 0, false],
      ['b', 0, true],
    ]);
  });

  it('shows every span of a ring of parents once', () => {
    const ring = [span('a', 'c', 0, 9), span('b', 'a', 1, 8), span('c', 'b', 2, 7), span('d', 'd', 3, 4)];
    expect(
      shape(ring)
        .map((text) => text.replaceAll('.', ''))
        .sort(),
    ).toEqual(['a', 'b', 'c', 'd']);
  });

  it('takes ids that are there twice', () => {
    expect(shape([span('a', '', 0, 9), span('b', 'a', 1, 2), span('b', 'a', 3, 4)])).toEqual(['a', '.b', '.b']);
  });

  it('takes a chain that is deeper than the stack', () => {
    const chain = Array.from({ length: 10_000 }, (_, i) => span(`s${i}`, i === 0 ? '' : `s${i - 1}`, i, 20_000));
    const { rows } = buildWaterfall(chain.reverse());
    expect(rows).toHaveLength(10_000);
    expect(rows[9_999]).toMatchObject({ depth: 9_999, descendants: 0 });
    expect(rows[0]).toMatchObject({ depth: 0, descendants: 9_999 });
  });
});

describe('the time axis', () => {
  it('measures from the first start to the last end', () => {
    const { rows, durationNanos } = buildWaterfall([span('a', '', 1_000, 1_400), span('b', 'a', 1_100, 1_500)]);
    expect(durationNanos).toBe(500n);
    expect(rows[1]).toMatchObject({ left: 20, width: 80, offsetNanos: 100n, durationNanos: 400n });
  });

  it('keeps nanoseconds that a number would lose', () => {
    const start = '1764111111123456789';
    const late = { ...span('b', '', 0, 0), startTime: '1764111111123456790', endTime: '1764111111123456792' };
    const { rows } = buildWaterfall([{ ...span('a', '', 0, 0), startTime: start, endTime: start }, late]);
    expect(rows[1]?.offsetNanos).toBe(1n);
    expect(rows[1]?.durationNanos).toBe(2n);
  });

  it('takes traces of no length and spans that end before they start', () => {
    expect(buildWaterfall([span('a', '', 5, 5)]).rows[0]).toMatchObject({ left: 0, width: 100 });
    expect(buildWaterfall([span('a', '', 5, 2)]).durationNanos).toBe(0n);
    expect(buildWaterfall([])).toEqual({ rows: [], durationNanos: 0n });
  });
});

describe('folding', () => {
  const { rows } = buildWaterfall([
    span('a', '', 0, 100),
    span('b', 'a', 10, 20),
    span('c', 'b', 12, 15),
    span('d', 'a', 30, 40),
  ]);

  it('hides all that lies below, and nothing else', () => {
    const seen = (...folded: number[]) => visibleRows(rows, new Set(folded)).map((row) => row.span.spanId);
    expect(seen()).toEqual(['a', 'b', 'c', 'd']);
    expect(seen(1)).toEqual(['a', 'b', 'd']);
    expect(seen(0)).toEqual(['a']);
    expect(seen(2)).toEqual(['a', 'b', 'c', 'd']);
  });
});

it('shows enough rows of a long trace to see what was matched', () => {
  const spans = Array.from({ length: 50 }, (_, i) => span(`s${String(i).padStart(2, '0')}`, '', i, i + 1));
  const { rows } = buildWaterfall(spans);
  expect(rowsToShow(rows, new Set(), 10, 40)).toBe(10);
  expect(rowsToShow(rows, new Set(['s20']), 10, 40)).toBe(21);
  expect(rowsToShow(rows, new Set(['s45']), 10, 40)).toBe(10);
  expect(rowsToShow(rows, new Set(), 100, 1000)).toBe(50);
});

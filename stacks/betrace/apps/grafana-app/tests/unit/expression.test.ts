import { describe, expect, test } from 'vitest';
import { excerpt, offsetAt, rangeOf } from '../../src/lib/expression';

describe('offsetAt', () => {
  test.each([
    ['abc', 1, 1, 0],
    ['abc', 1, 3, 2],
    ['abc', 1, 4, 3],
    ['abc', 1, 99, 3],
    ['abc', 9, 1, 3],
    ['ab\ncd', 2, 2, 4],
    ['ab\n\ncd', 3, 1, 4],
    ['ab\ncd', 1, 99, 2],
    // An emoji is one character for the backend and two units in JavaScript.
    ['"🙂" x', 1, 4, 4],
    ['"🙂"\n"🙂" x', 2, 5, 10],
  ])('%j line %i column %i is at %i', (text, line, column, offset) => {
    expect(offsetAt(text, line, column)).toBe(offset);
  });
});

describe('rangeOf', () => {
  test('takes the end, which is exclusive', () => {
    const text = 'when { a }\nallways { b }';
    const range = rangeOf(text, { line: 2, column: 1, endLine: 2, endColumn: 8 });
    expect(range && text.slice(range.start, range.end)).toBe('allways');
  });

  test('is nothing where the error names no place', () => {
    expect(rangeOf('x', { line: 0, column: 0, endLine: 0, endColumn: 0 })).toBeUndefined();
  });

  test('is one point where no end is known', () => {
    expect(rangeOf('abc', { line: 1, column: 2, endLine: 0, endColumn: 0 })).toEqual({ start: 1, end: 1 });
  });
});

describe('excerpt', () => {
  test('cuts the line of the error in three', () => {
    expect(excerpt('when { a }\nallways { b }\n', { start: 11, end: 18 })).toEqual({
      before: '',
      wrong: 'allways',
      after: ' { b }',
    });
  });

  test('stays in one line, whatever the range', () => {
    expect(excerpt('ab\ncd', { start: 1, end: 5 })).toEqual({ before: 'a', wrong: 'b', after: '' });
  });

  test('marks the end of the text', () => {
    expect(excerpt('when {', { start: 6, end: 6 })).toEqual({ before: 'when {', wrong: '', after: '' });
  });
});

import { describe, expect, it } from 'vitest';
import { wrongAt } from '../test/data';
import { describeProblem, errorRange, toOffset } from './position';

describe('places', () => {
  it.each([
    ['ab\ncd', 1, 1, 0],
    ['ab\ncd', 2, 1, 3],
    ['ab\ncd', 2, 2, 4],
    ['ab\ncd', 1, 9, 2],
    ['ab\ncd', 9, 1, 5],
    ['ab\ncd', 0, 0, 0],
    ['', 1, 1, 0],
  ])('of %j at %i:%i is %i', (text, line, column, offset) => {
    expect(toOffset(text, line, column)).toBe(offset);
  });

  it('count characters, not halves of them', () => {
    expect(toOffset('"🦀" x', 1, 5)).toBe(5);
  });
});

describe('what is marked', () => {
  const marked = (text: string, ...place: [number, number, number?, number?]) => {
    const { from, to } = errorRange(text, wrongAt(...place));
    return text.slice(from, to);
  };

  it('is from the start to the end that the backend says', () => {
    expect(marked('when { oops } x', 1, 8, 1, 12)).toBe('oops');
    expect(marked('a\nbc\nd', 1, 1, 2, 3)).toBe('a\nbc');
  });

  it('is a whole character where no end is said', () => {
    expect(marked('when oops', 1, 6)).toBe('o');
    expect(marked('🦀', 1, 1)).toBe('🦀');
  });

  it('is the last character where something is missing at the end', () => {
    expect(marked('when { a', 1, 9, 1, 9)).toBe('a');
    expect(marked('when {\nx', 1, 7)).toBe('{');
  });

  it('is nothing in an empty text', () => {
    expect(errorRange('', wrongAt(1, 1))).toEqual({ from: 0, to: 0 });
  });
});

it('says where the problem is', () => {
  expect(describeProblem(wrongAt(2, 5))).toBe('Line 2, column 5: expected a block');
  expect(describeProblem(wrongAt(0, 0))).toBe('expected a block');
});

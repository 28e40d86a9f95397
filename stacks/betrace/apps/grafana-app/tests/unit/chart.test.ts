import { expect, test } from 'vitest';
import { chartTop, labelPlaces } from '../../src/lib/chart';

test.each([
  [[], 1],
  [[0, 0], 1],
  [[1], 1],
  [[2, 3], 5],
  [[7], 10],
  [[10], 10],
  [[11], 20],
  [[420, 3], 500],
])('the top over %j is %i', (counts, top) => {
  expect(chartTop(counts)).toBe(top);
});

test.each([
  [48, 5, [0, 12, 24, 35, 47]],
  [2, 5, [0, 1]],
  [1, 5, [0]],
])('%i columns have %i labels at %j', (columns, labels, places) => {
  expect(labelPlaces(columns, labels)).toEqual(places);
});

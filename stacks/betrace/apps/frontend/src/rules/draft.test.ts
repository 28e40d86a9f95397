import { expect, it } from 'vitest';
import { rule } from '../test/data';
import { draftOf, draftProblems, newDraft } from './draft';

it('finds nothing wrong with a rule that the backend has', () => {
  expect(draftProblems(draftOf(rule))).toEqual({});
});

it('wants a name and an expression', () => {
  expect(Object.keys(draftProblems(newDraft))).toEqual(['name', 'expression']);
  expect(draftProblems({ ...draftOf(rule), name: '  ' }).name).toBeDefined();
});

it('counts bytes as the backend does', () => {
  const draft = draftOf(rule);
  expect(draftProblems({ ...draft, name: 'é'.repeat(128) })).toEqual({});
  expect(draftProblems({ ...draft, name: 'é'.repeat(129) }).name).toMatch(/256/);
  expect(draftProblems({ ...draft, description: 'x'.repeat(4097) }).description).toMatch(/4 KiB/);
  expect(draftProblems({ ...draft, expression: 'x'.repeat(65_537) }).expression).toMatch(/64 KiB/);
  expect(draftProblems({ ...draft, tags: ['x'.repeat(65)] }).tags).toMatch(/64/);
  expect(draftProblems({ ...draft, tags: Array.from({ length: 33 }, (_, i) => `t${i}`) }).tags).toMatch(/32/);
});

it('sends nothing that the backend makes itself', () => {
  expect(Object.keys(draftOf(rule)).sort()).toEqual(Object.keys(newDraft).sort());
});

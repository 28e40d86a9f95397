import { describe, expect, test } from 'vitest';
import type { Rule } from '../../src/api/types';
import { EMPTY_RULE, matches, problems, toDraft } from '../../src/lib/rules';

const rule: Rule = {
  ...EMPTY_RULE,
  id: 'r1',
  name: 'Ships are scanned',
  expression: 'when { order.ship } always { label.scan }',
  severity: 'HIGH',
  tags: ['shop', 'compliance'],
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
};

describe('matches', () => {
  test.each(['', 'ships', 'SHOP', 'high', 'order.ship', 'ships compliance'])('%j finds it', (search) => {
    expect(matches(rule, search)).toBe(true);
  });

  test.each(['boats', 'ships boats'])('%j does not', (search) => {
    expect(matches(rule, search)).toBe(false);
  });
});

describe('problems', () => {
  test('none for a good rule', () => {
    expect(problems(toDraft(rule))).toEqual({});
  });

  test('a draft without anything lacks a name and an expression', () => {
    expect(Object.keys(problems(EMPTY_RULE))).toEqual(['name', 'expression']);
  });

  test('limits are bytes, not characters', () => {
    expect(problems({ ...toDraft(rule), name: 'é'.repeat(128) })).toEqual({});
    expect(problems({ ...toDraft(rule), name: 'é'.repeat(129) })).toHaveProperty('name');
    expect(problems({ ...toDraft(rule), description: 'x'.repeat(4097) })).toHaveProperty('description');
    expect(problems({ ...toDraft(rule), expression: 'x'.repeat(65537) })).toHaveProperty('expression');
    expect(problems({ ...toDraft(rule), tags: ['x'.repeat(65)] })).toHaveProperty('tags');
    expect(problems({ ...toDraft(rule), tags: Array.from({ length: 33 }, String) })).toHaveProperty('tags');
  });
});

test('what the server gives a rule is not sent back', () => {
  expect(Object.keys(toDraft(rule)).sort()).toEqual([
    'description',
    'enabled',
    'expression',
    'name',
    'severity',
    'tags',
  ]);
});

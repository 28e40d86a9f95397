import { expect, it } from 'vitest';
import { rule } from '../test/data';
import { filterRules } from './filter';

const rules = [
  rule,
  {
    ...rule,
    id: 'r2',
    name: 'Few queries',
    severity: 'LOW',
    enabled: false,
    tags: ['db'],
    expression: 'when { db }',
  },
];
const found = (part: Partial<Parameters<typeof filterRules>[1]>) =>
  filterRules(rules, { text: '', severity: '', state: '', ...part }).map(({ id }) => id);

it('finds rules by words anywhere in them', () => {
  expect(found({})).toEqual(['r1', 'r2']);
  expect(found({ text: 'LARGE checked' })).toEqual(['r1']);
  expect(found({ text: 'large queries' })).toEqual([]);
  expect(found({ text: 'fraud.check' })).toEqual(['r1']);
  expect(found({ text: ' db ' })).toEqual(['r2']);
});

it('finds rules by severity and state', () => {
  expect(found({ severity: 'LOW' })).toEqual(['r2']);
  expect(found({ state: 'enabled' })).toEqual(['r1']);
  expect(found({ state: 'disabled', severity: 'HIGH' })).toEqual([]);
});

import { describe, expect, it } from 'vitest';
import { describeDetail, parseError } from './error';

const detail = { field: 'expression', description: 'expected `{`', line: 2, column: 7, endLine: 2, endColumn: 8 };

describe('errors of the backend', () => {
  it('keep their message and details', () => {
    const body = { code: 3, message: 'not a rule', details: [{ ...detail, hint: 'write `when { … }`' }] };
    const error = parseError(400, JSON.stringify(body));
    expect(error.message).toBe('not a rule');
    expect(error.status).toBe(400);
    expect(error.forField('expression')).toBe('Line 2, column 7: expected `{` Hint: write `when { … }`');
    expect(error.forField('name')).toBeUndefined();
  });

  it('may have no details, or strange ones', () => {
    expect(parseError(404, '{"code":5,"message":"no such rule"}').details).toEqual([]);
    const strange = parseError(400, '{"message":"m","details":["x",null,{"field":7,"description":"d"}]}');
    expect(strange.details).toHaveLength(1);
    expect(strange.details[0]).toMatchObject({ field: '', description: 'd', line: 0 });
  });
});

describe('errors of what stands before the backend', () => {
  it('are never shown as they are', () => {
    expect(parseError(502, '').message).toMatch(/does not answer/);
    expect(parseError(500, '<html>Oops</html>').message).toMatch(/HTTP 500/);
    expect(parseError(401, '').message).toMatch(/API key/);
    expect(parseError(500, '{"message":""}').message).toMatch(/HTTP 500/);
    expect(parseError(500, 'null').message).toMatch(/HTTP 500/);
  });

  it('are told from errors that stay', () => {
    expect(parseError(503, '').isPassing).toBe(true);
    expect(parseError(400, '').isPassing).toBe(false);
  });
});

it('describes a detail without a place', () => {
  const plain = { field: 'name', description: 'too long', line: 0, column: 0, endLine: 0, endColumn: 0, hint: '' };
  expect(describeDetail(plain)).toBe('too long');
});

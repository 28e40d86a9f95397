import { describe, expect, test } from 'vitest';
import { duration, parseBackendUrl, parseTraceId, whyNotReady } from '../../src/lib/format';

test.each([
  ['0', '0', '0 ns'],
  ['0', '999', '999 ns'],
  ['0', '1500', '1.5 µs'],
  ['1764000000000000001', '1764000000012345001', '12.3 ms'],
  ['0', '2000000000', '2 s'],
  ['0', '90000000000', '1.5 min'],
])('from %s to %s is %s', (from, to, text) => {
  expect(duration(from, to)).toBe(text);
});

test.each([
  ['4bf92f3577b34da6a3ce929d0e0e4736', '4bf92f3577b34da6a3ce929d0e0e4736'],
  ['  4BF92F3577B34DA6A3CE929D0E0E4736\n', '4bf92f3577b34da6a3ce929d0e0e4736'],
  ['4bf92f3577b34da6a3ce929d0e0e473', undefined],
  ['4bf92f3577b34da6a3ce929d0e0e473g', undefined],
  ['0'.repeat(32), undefined],
  ['', undefined],
])('the trace id in %j is %j', (text, id) => {
  expect(parseTraceId(text)).toBe(id);
});

describe('parseBackendUrl', () => {
  test.each([
    ['http://backend:12011', 'http://backend:12011'],
    [' https://b.example/betrace/ ', 'https://b.example/betrace'],
    // The routes add `/v1` themselves.
    ['http://backend:12011/v1/', 'http://backend:12011'],
  ])('%j is %s', (text, url) => {
    expect(parseBackendUrl(text)).toEqual({ url });
  });

  test.each([
    '',
    'backend',
    'backend:12011',
    'ftp://backend',
    'http://u:p@backend',
    'http://backend?x=1',
    'http://backend#x',
  ])('%j is none', (text) => {
    expect(parseBackendUrl(text)).toHaveProperty('error');
  });
});

test('only what is wrong with the backend is told', () => {
  expect(whyNotReady({ metadata: { store: 'ok', buffer: 'full' } })).toBe('buffer: full');
  expect(whyNotReady({ metadata: { store: 'ok' } })).toBe('');
});

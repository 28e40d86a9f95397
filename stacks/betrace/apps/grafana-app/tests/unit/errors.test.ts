import { describe, expect, test } from 'vitest';
import { toApiError } from '../../src/api/errors';

const details = [{ field: 'name', description: 'another rule has this name' }];

describe('toApiError', () => {
  test('says what the backend says', () => {
    const error = toApiError({ status: 409, data: { code: 6, message: 'a rule with this name is there', details } });
    expect(error.message).toBe('a rule with this name is there');
    expect(error.of('name')).toBe('another rule has this name');
    expect(error.of('tags')).toBeUndefined();
  });

  test('tells a thing that is not there from a route that is not there', () => {
    expect(toApiError({ status: 404, data: { code: 5, message: 'no such rule' } }).notFound).toBe(true);
    const noRoute = toApiError({ status: 404, data: { message: 'plugin route match not found' } });
    expect(noRoute.notFound).toBe(false);
    expect(noRoute.message).toContain('Grafana does not forward');
  });

  test.each([
    [{ status: 403, data: { message: 'plugin proxy route access denied' } }, 'Your role'],
    [{ status: 502, data: '' }, 'cannot be reached'],
    [{ status: 401, data: { code: 16, message: 'unauthenticated' } }, 'API key'],
    [new TypeError('Failed to fetch'), 'cannot be reached'],
    [undefined, 'cannot be reached'],
    [{ status: 418, statusText: 'I am a teapot' }, 'teapot'],
    [{ status: 418 }, 'failed'],
  ])('%j is told so that a person knows what to do', (failure, words) => {
    expect(toApiError(failure).message).toContain(words);
  });

  test('keeps the answer of a backend that is not ready', () => {
    const data = { status: 'UNHEALTHY', metadata: { store: 'disk full' } };
    expect(toApiError({ status: 503, data }).data).toEqual(data);
  });

  test('leaves its own as they are', () => {
    const error = toApiError({ status: 500 });
    expect(toApiError(error)).toBe(error);
  });
});

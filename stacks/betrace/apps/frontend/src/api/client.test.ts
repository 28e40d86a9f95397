import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { request } from './client';
import { ApiError } from './error';
import { apiKey, type KeyPrompt, onKeyPrompt, setApiKey } from './key';

const fetchMock = vi.fn<typeof fetch>();
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const sentKey = (call: number) => new Headers(fetchMock.mock.calls[call]?.[1]?.headers).get('X-API-Key');

beforeEach(() => {
  fetchMock.mockReset();
  vi.stubGlobal('fetch', fetchMock);
});
afterEach(() => vi.unstubAllGlobals());

it('sends JSON and reads JSON', async () => {
  fetchMock.mockResolvedValueOnce(json({ id: 'r1' }, 201));
  expect(await request('/v1/rules', { method: 'POST', body: { name: 'x' } })).toEqual({ id: 'r1' });
  const [path, init] = fetchMock.mock.calls[0] ?? [];
  expect(path).toBe('/v1/rules');
  expect(init).toMatchObject({ method: 'POST', body: '{"name":"x"}' });
  expect(new Headers(init?.headers).get('Content-Type')).toBe('application/json');
});

it('tells what the backend says, what is unreachable, and what is not the backend', async () => {
  fetchMock.mockResolvedValueOnce(json({ code: 5, message: 'no such rule', details: [] }, 404));
  await expect(request('/v1/rules/x')).rejects.toMatchObject({ status: 404, message: 'no such rule' });
  fetchMock.mockRejectedValueOnce(new TypeError('Failed to fetch'));
  await expect(request('/v1/rules')).rejects.toMatchObject({ status: 0, message: /can’t be reached/ });
  fetchMock.mockResolvedValueOnce(new Response('<!doctype html>'));
  await expect(request('/v1/rules')).rejects.toMatchObject({ message: /not the backend’s/ });
});

it('lets the one who asked cancel', async () => {
  fetchMock.mockRejectedValueOnce(new DOMException('stopped', 'AbortError'));
  const error = await request('/v1/rules').catch((caught: unknown) => caught);
  expect(error).not.toBeInstanceOf(ApiError);
});

it('takes an answer that is expected to be an error', async () => {
  fetchMock.mockResolvedValueOnce(json({ status: 'UNHEALTHY' }, 503));
  expect(await request('/v1/ready', { accept: [503] })).toEqual({ status: 'UNHEALTHY' });
  fetchMock.mockResolvedValueOnce(new Response('', { status: 503 }));
  await expect(request('/v1/ready', { accept: [503] })).rejects.toMatchObject({ status: 503 });
});

describe('the API key', () => {
  const prompts: KeyPrompt[] = [];
  let stop = () => {};
  const answers = (...keys: (string | null)[]) => {
    stop = onKeyPrompt((prompt) => {
      if (prompt === null) return;
      prompts.push(prompt);
      const key = keys.shift() ?? null;
      queueMicrotask(() => prompt.answer(key));
    });
  };
  beforeEach(() => {
    prompts.length = 0;
  });
  afterEach(() => stop());

  it('is asked for, sent again and kept', async () => {
    answers('wrong', 'right');
    fetchMock.mockImplementation(async (_, init) =>
      new Headers(init?.headers).get('X-API-Key') === 'right' ? json({ ok: true }) : json({ message: 'key' }, 401),
    );
    expect(await request('/v1/rules', { method: 'POST', body: {} })).toEqual({ ok: true });
    expect(prompts.map(({ refused }) => refused)).toEqual([false, true]);
    expect([sentKey(0), sentKey(1), sentKey(2)]).toEqual([null, 'wrong', 'right']);
    expect(apiKey()).toBe('right');
  });

  it('is asked for once by requests at the same time', async () => {
    answers('right');
    fetchMock.mockImplementation(async (_, init) =>
      new Headers(init?.headers).get('X-API-Key') === 'right' ? json({ ok: true }) : json({ message: 'key' }, 401),
    );
    await Promise.all([request('/v1/a', { method: 'POST' }), request('/v1/b', { method: 'POST' })]);
    expect(prompts).toHaveLength(1);
  });

  it('may be declined', async () => {
    answers(null);
    fetchMock.mockResolvedValue(json({ code: 16, message: 'a key is needed' }, 401));
    await expect(request('/v1/rules', { method: 'POST' })).rejects.toMatchObject({ status: 401 });
    expect(fetchMock).toHaveBeenCalledTimes(1);
  });

  it('is not asked for in the middle of typing', async () => {
    answers('right');
    fetchMock.mockResolvedValue(json({ code: 16, message: 'a key is needed' }, 401));
    await expect(request('/v1/rules/validate', { method: 'POST', askKey: false })).rejects.toBeInstanceOf(
      ApiError,
    );
    expect(prompts).toHaveLength(0);
  });

  it('is gone when it is emptied', () => {
    setApiKey('k');
    setApiKey('');
    expect(apiKey()).toBeNull();
  });
});

import type { Readiness } from '../api/types';

/** A span's duration from its times in nanoseconds, with three digits that matter. */
export function duration(startTime: string, endTime: string): string {
  const ns = Number(BigInt(endTime) - BigInt(startTime));
  const units: Array<[number, string]> = [
    [60e9, 'min'],
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
  ];
  for (const [size, unit] of units) {
    if (ns >= size) {
      return `${Number((ns / size).toPrecision(3))} ${unit}`;
    }
  }
  return `${ns} ns`;
}

const TRACE_ID = /^[0-9a-f]{32}$/;

/** The trace id that a person typed or pasted, or undefined where it is none. */
export function parseTraceId(text: string): string | undefined {
  const id = text.trim().toLowerCase();
  return TRACE_ID.test(id) && !/^0+$/.test(id) ? id : undefined;
}

/** The address of the backend without what a person adds by habit, or why it is none. */
export function parseBackendUrl(text: string): { url: string } | { error: string } {
  const trimmed = text.trim().replace(/\/+$/, '');
  let url: URL;
  try {
    url = new URL(trimmed);
  } catch {
    return { error: 'An address such as http://backend:12011 is needed.' };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { error: 'The address has to start with http:// or https://.' };
  }
  if (url.username || url.password || url.search || url.hash) {
    return { error: 'The address has no place for a user, a query or a fragment.' };
  }
  return { url: trimmed.replace(/\/v1$/, '') };
}

/** The parts of the backend that are not as they should be; empty where all are. */
export function whyNotReady({ metadata }: Pick<Readiness, 'metadata'>): string {
  return Object.entries(metadata ?? {})
    .filter(([, state]) => state !== 'ok')
    .map(([part, state]) => `${part}: ${state}`)
    .join('; ');
}

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Range, statsWindow } from '../time/range';
import { request } from './client';
import type { Trace, Violation, ViolationList, ViolationStats } from './types';

/** How often what is on the screen is asked for again. */
export const refreshInterval = 5_000;

/** The violations of a query that `violationsQuery` made; asked for again while `live`. */
export function useViolations(toSearch: () => string, key: readonly unknown[], live: boolean) {
  return useQuery({
    queryKey: ['violations', ...key],
    queryFn: ({ signal }) => request<ViolationList>(`/v1/violations?${toSearch()}`, { signal }),
    refetchInterval: live ? refreshInterval : false,
    placeholderData: keepPreviousData,
  });
}

export function useViolation(id: string) {
  return useQuery({
    queryKey: ['violation', id],
    queryFn: ({ signal }) => request<Violation>(`/v1/violations/${encodeURIComponent(id)}`, { signal }),
  });
}

export function useStats(range: Range) {
  return useQuery({
    queryKey: ['stats', range],
    queryFn: ({ signal }) => {
      const window = statsWindow(range, new Date());
      const search = new URLSearchParams({
        startTime: window.start.toISOString(),
        endTime: window.end.toISOString(),
        buckets: String(window.buckets),
      });
      return request<ViolationStats>(`/v1/violations/stats?${search}`, { signal });
    },
    refetchInterval: refreshInterval,
    placeholderData: keepPreviousData,
  });
}

export function useTrace(id: string) {
  return useQuery({
    queryKey: ['trace', id],
    queryFn: ({ signal }) => request<Trace>(`/v1/traces/${encodeURIComponent(id)}`, { signal }),
  });
}

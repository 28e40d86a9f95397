import { useQuery } from '@tanstack/react-query';
import { request } from './client';
import type { Health, StackStatus } from './types';

const interval = 10_000;

export function useReady() {
  return useQuery({
    queryKey: ['ready'],
    // Not ready is an answer too: its body says why.
    queryFn: ({ signal }) => request<Health>('/v1/ready', { signal, accept: [503] }),
    refetchInterval: interval,
  });
}

export function useStackStatus() {
  return useQuery({
    queryKey: ['status'],
    queryFn: ({ signal }) => request<StackStatus>('/v1/status', { signal }),
    refetchInterval: interval,
  });
}

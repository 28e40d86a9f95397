import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { request } from './client';
import type { Rule, RuleDraft, RuleList, Validation } from './types';

const rulePath = (id: string) => `/v1/rules/${encodeURIComponent(id)}`;

export function useRules() {
  return useQuery({
    queryKey: ['rules'],
    queryFn: ({ signal }) => request<RuleList>('/v1/rules', { signal }),
  });
}

export function useRule(id: string) {
  return useQuery({
    queryKey: ['rules', id],
    queryFn: ({ signal }) => request<Rule>(rulePath(id), { signal }),
    // What is being edited must not change under the person's hands.
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
}

export function validateRule(expression: string, signal: AbortSignal): Promise<Validation> {
  return request<Validation>('/v1/rules/validate', {
    method: 'POST',
    body: { expression },
    signal,
    askKey: false,
  });
}

/** Creates a rule, or replaces the one with `id`. */
export function useSaveRule(id?: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: RuleDraft) =>
      id === undefined
        ? request<Rule>('/v1/rules', { method: 'POST', body: draft })
        : request<Rule>(rulePath(id), { method: 'PUT', body: draft }),
    onSuccess: () => client.invalidateQueries(listOnly),
  });
}

export function useSetRuleEnabled() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, enabled }: { id: string; enabled: boolean }) =>
      request<Rule>(`${rulePath(id)}/${enabled ? 'enable' : 'disable'}`, { method: 'POST' }),
    onSettled: () => client.invalidateQueries(listOnly),
  });
}

export function useDeleteRule() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => request<{ success: boolean }>(rulePath(id), { method: 'DELETE' }),
    onSuccess: (_, id) => {
      client.setQueryData<RuleList>(listOnly.queryKey, (list) => list && without(list, id));
    },
    onSettled: () => {
      void client.invalidateQueries(listOnly);
    },
  });
}

const listOnly = { queryKey: ['rules'], exact: true };

function without(list: RuleList, id: string): RuleList {
  const rules = list.rules.filter((rule) => rule.id !== id);
  return { rules, totalCount: rules.length };
}

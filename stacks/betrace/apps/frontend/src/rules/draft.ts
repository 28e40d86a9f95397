// A rule as it is being written, and what would make the backend refuse it.

import type { Rule, RuleDraft } from '../api/types';

export const newDraft: RuleDraft = {
  name: '',
  description: '',
  expression: '',
  enabled: true,
  severity: 'MEDIUM',
  tags: [],
};

export function draftOf(rule: Rule): RuleDraft {
  const { name, description, expression, enabled, severity, tags } = rule;
  return { name, description, expression, enabled, severity, tags };
}

export type DraftProblems = Partial<Record<keyof RuleDraft, string>>;

/** By the limits of the interface, which count bytes. */
export function draftProblems(draft: RuleDraft): DraftProblems {
  const problems: DraftProblems = {};
  if (draft.name.trim() === '') problems.name = 'A rule needs a name.';
  else if (bytes(draft.name) > 256) problems.name = 'The name is longer than 256 bytes.';
  if (bytes(draft.description) > 4096) problems.description = 'The description is longer than 4 KiB.';
  if (draft.expression.trim() === '') problems.expression = 'A rule needs an expression.';
  else if (bytes(draft.expression) > 65_536) problems.expression = 'The expression is longer than 64 KiB.';
  if (draft.tags.length > 32) problems.tags = 'A rule has at most 32 tags.';
  const long = draft.tags.find((tag) => bytes(tag) > 64);
  if (long !== undefined) problems.tags = `The tag “${long}” is longer than 64 bytes.`;
  return problems;
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

import type { Rule, RuleDraft } from '../api/types';

export const EMPTY_RULE: RuleDraft = {
  name: '',
  description: '',
  expression: '',
  enabled: true,
  severity: 'MEDIUM',
  tags: [],
};

/** The part of a rule that a person edits. */
export function toDraft({ name, description, expression, enabled, severity, tags }: Rule): RuleDraft {
  return { name, description, expression, enabled, severity, tags };
}

/** Whether a rule has every word of a search somewhere. */
export function matches(rule: Rule, search: string): boolean {
  const text = [rule.name, rule.description, rule.severity, rule.expression, ...rule.tags].join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

const bytes = (text: string) => new TextEncoder().encode(text).length;

/** What is wrong with a draft that can be told without the backend: its limits on a rule. */
export function problems({ name, description, expression, tags }: RuleDraft): Partial<Record<keyof RuleDraft, string>> {
  return {
    ...(!name.trim() && { name: 'A rule needs a name.' }),
    ...(bytes(name) > 256 && { name: 'At most 256 bytes.' }),
    ...(bytes(description) > 4096 && { description: 'At most 4 KiB.' }),
    ...(!expression.trim() && { expression: 'A rule needs an expression.' }),
    ...(bytes(expression) > 65536 && { expression: 'At most 64 KiB.' }),
    ...(tags.length > 32 && { tags: 'At most 32 tags.' }),
    ...(tags.some((tag) => bytes(tag) > 64) && { tags: 'At most 64 bytes a tag.' }),
  };
}

// Finding rules among many.

import type { Rule } from '../api/types';

export interface RuleFilter {
  text: string;
  severity: string;
  state: '' | 'enabled' | 'disabled';
}

/** The rules that have every word of the text somewhere in them. */
export function filterRules(rules: Rule[], filter: RuleFilter): Rule[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return rules.filter((rule) => {
    if (filter.severity !== '' && rule.severity !== filter.severity) return false;
    if (filter.state !== '' && rule.enabled !== (filter.state === 'enabled')) return false;
    if (words.length === 0) return true;
    const all = [rule.id, rule.name, rule.description, rule.expression, ...rule.tags].join('\n').toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

// Colours for the rule language. Whether an expression is right is for the backend to say.

import { HighlightStyle, LanguageSupport, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { tags } from '@lezer/highlight';

const keywords = /^(when|always|never|and|or|not|count|where|in|matches|contains)\b/;

const language = StreamLanguage.define({
  name: 'betrace-rule',
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match('//')) {
      stream.skipToEnd();
      return 'comment';
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (stream.match(/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b/)) return 'number';
    if (stream.match(/^(true|false)\b/)) return 'bool';
    if (stream.match(keywords)) return 'keyword';
    if (stream.match(/^[A-Za-z_][\w-]*/)) return 'variableName';
    if (stream.match(/^(==|!=|<=|>=|<|>)/)) return 'operator';
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: '//' } },
});

const style = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--bt-match)', fontWeight: '650' },
  { tag: tags.string, color: 'var(--bt-low)' },
  { tag: [tags.number, tags.bool], color: 'var(--bt-high)' },
  { tag: tags.comment, color: 'var(--bt-soft)', fontStyle: 'italic' },
]);

export const ruleLanguage = [new LanguageSupport(language), syntaxHighlighting(style)];

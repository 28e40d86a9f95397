import type { Validation } from '../api/types';

/** A part of a text, as a text area's selection has it. */
export interface Range {
  start: number;
  end: number;
}

/**
 * Where a line and column are in a text. The backend counts characters, JavaScript counts UTF-16 units: they differ
 * after an emoji, say.
 */
export function offsetAt(text: string, line: number, column: number): number {
  let start = 0;
  for (let i = 1; i < line; i++) {
    const end = text.indexOf('\n', start);
    if (end === -1) {
      return text.length;
    }
    start = end + 1;
  }
  const rest = text.slice(start).split('\n', 1)[0];
  const before = Array.from(rest).slice(0, Math.max(0, column - 1));
  return start + before.join('').length;
}

/** What a failed validation speaks of; undefined where it names no place. */
export function rangeOf(text: string, at: Pick<Validation, 'line' | 'column' | 'endLine' | 'endColumn'>) {
  if (at.line < 1) {
    return undefined;
  }
  const start = offsetAt(text, at.line, at.column);
  const end = at.endLine < 1 ? start : offsetAt(text, at.endLine, at.endColumn);
  return { start, end: Math.max(start, end) };
}

/** The line of the text where a range starts, cut in three: what is before, what is wrong, what comes after. */
export function excerpt(text: string, { start, end }: Range) {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const newline = text.indexOf('\n', start);
  const lineEnd = newline === -1 ? text.length : newline;
  const wrongEnd = Math.min(Math.max(end, start), lineEnd);
  return {
    before: text.slice(lineStart, start),
    wrong: text.slice(start, wrongEnd),
    after: text.slice(wrongEnd, lineEnd),
  };
}

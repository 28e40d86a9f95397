// Places in an expression: the backend counts lines and characters from 1, the editor UTF-16 units from 0.

import type { Validation } from '../api/types';

/** The offset of a place; places after the end of a line or of the text are at that end. */
export function toOffset(text: string, line: number, column: number): number {
  const lines = text.split('\n');
  if (line > lines.length) return text.length;
  const before = lines.slice(0, Math.max(line, 1) - 1);
  const start = before.reduce((sum, each) => sum + each.length + 1, 0);
  const characters = Array.from(lines[Math.max(line, 1) - 1] ?? '');
  return start + characters.slice(0, Math.max(column, 1) - 1).join('').length;
}

/** What to mark for an error: at least one character, so that there is something to see. */
export function errorRange(text: string, place: Validation): { from: number; to: number } {
  const from = toOffset(text, place.line, place.column);
  const to = place.endLine > 0 ? toOffset(text, place.endLine, place.endColumn) : from;
  if (to > from) return { from, to };
  const atLineEnd = from === text.length || text[from] === '\n';
  if (!atLineEnd) return { from, to: from + (Array.from(text.slice(from, from + 2))[0]?.length ?? 1) };
  const atLineStart = from === 0 || text[from - 1] === '\n';
  return { from: atLineStart ? from : from - 1, to: from };
}

/** The message as one sentence with its place. */
export function describeProblem(problem: Validation): string {
  const place = problem.line > 0 ? `Line ${problem.line}, column ${problem.column}: ` : '';
  return `${place}${problem.error}`;
}

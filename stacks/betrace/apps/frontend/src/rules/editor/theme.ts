import { EditorView } from '@codemirror/view';

/** By the page's own variables, so that it follows both colour schemes. */
export const editorTheme = EditorView.theme({
  '&': {
    backgroundColor: 'var(--bt-card)',
    color: 'var(--bt-ink)',
    border: '1px solid var(--mantine-color-default-border)',
    borderRadius: 'var(--mantine-radius-md)',
    fontSize: '1rem',
  },
  '&.cm-focused': {
    outline: '2px solid var(--mantine-primary-color-filled)',
    outlineOffset: '-1px',
  },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.6' },
  '.cm-content': { minHeight: '8em', padding: '0.5rem 0', caretColor: 'var(--bt-ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--bt-ink)' },
  '.cm-gutters': {
    backgroundColor: 'transparent',
    border: 'none',
    color: 'var(--bt-soft)',
  },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection': {
    backgroundColor: 'var(--bt-low-soft) !important',
  },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--bt-match-soft)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    backgroundColor: 'var(--bt-bad-soft)',
    textDecoration: 'underline wavy var(--bt-bad) 1.5px',
    textUnderlineOffset: '0.25em',
  },
  '.cm-tooltip, .cm-panels': {
    backgroundColor: 'var(--bt-card)',
    color: 'var(--bt-ink)',
    border: '1px solid var(--bt-line)',
  },
  '.cm-diagnostic': { padding: '0.4rem 0.6rem' },
  '.cm-diagnostic-error': { borderLeft: '4px solid var(--bt-bad)' },
});

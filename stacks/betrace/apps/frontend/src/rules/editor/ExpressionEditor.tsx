import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import type { Validation } from '../../api/types';
import { describeProblem, errorRange } from '../position';
import { ruleLanguage } from './language';
import { editorTheme } from './theme';

interface Props {
  value: string;
  onChange: (value: string) => void;
  /** What the backend found wrong with the value; null where it found nothing. */
  problem: Validation | null;
  labelledBy: string;
  describedBy: string;
  invalid: boolean;
  /** Gets the way to put the cursor into the editor. */
  onReady: (focus: () => void) => void;
}

/** A text editor for one expression, with what is wrong in it marked. Tab leaves it, as every other field. */
export function ExpressionEditor(props: Props) {
  const { value, problem, labelledBy, describedBy, invalid } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const attributes = useRef(new Compartment());
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    if (host.current === null) return;
    const created = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          lintGutter(),
          lineNumbers(),
          history(),
          drawSelection(),
          bracketMatching(),
          EditorView.lineWrapping,
          keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          ruleLanguage,
          editorTheme,
          attributes.current.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = created;
    latest.current.onReady(() => created.focus());
    return () => {
      view.current = null;
      created.destroy();
    };
  }, []);

  useEffect(() => {
    const content = {
      'aria-labelledby': labelledBy,
      'aria-describedby': describedBy,
      'aria-invalid': String(invalid),
      autocapitalize: 'off',
      autocorrect: 'off',
      spellcheck: 'false',
    };
    view.current?.dispatch({
      effects: attributes.current.reconfigure(EditorView.contentAttributes.of(content)),
    });
  }, [labelledBy, describedBy, invalid]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (editor === null) return;
    const text = editor.state.doc.toString();
    const hint = problem?.hint ? ` Hint: ${problem.hint}` : '';
    const diagnostics = problem
      ? [
          {
            ...errorRange(text, problem),
            severity: 'error' as const,
            message: `${describeProblem(problem)}${hint}`,
          },
        ]
      : [];
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [problem]);

  return <div ref={host} />;
}

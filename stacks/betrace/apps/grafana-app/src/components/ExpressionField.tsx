import { useEffect, useRef, useState } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Field, Icon, Stack, TextArea, useStyles2 } from '@grafana/ui';
import { api } from '../api/client';
import { toApiError } from '../api/errors';
import type { Validation } from '../api/types';
import { excerpt, rangeOf } from '../lib/expression';
import { Prose } from './Prose';

const PAUSE_MS = 300;

const EXAMPLE = 'when { order.ship.where(total > 500) }\nalways { label.scan }\nnever { ship.override }';

interface Props {
  value: string;
  readOnly: boolean;
  onChange: (value: string) => void;
  /** True once the backend has said that what is in the field now is a rule. */
  onValid: (valid: boolean) => void;
}

type State =
  { is: 'empty' | 'checking' | 'valid' } | { is: 'invalid'; validation: Validation } | { is: 'unknown'; why: string };

/** The expression of a rule; the backend judges it whenever the person stops typing. */
export function ExpressionField({ value, readOnly, onChange, onValid }: Props) {
  const styles = useStyles2(getStyles);
  const area = useRef<HTMLTextAreaElement>(null);
  const [state, setState] = useState<State>({ is: 'empty' });

  useEffect(() => {
    if (readOnly) {
      return;
    }
    onValid(false);
    if (value.trim() === '') {
      setState({ is: 'empty' });
      return;
    }
    setState({ is: 'checking' });
    let current = true;
    const timer = setTimeout(() => {
      api.validate(value).then(
        (validation) => {
          if (current) {
            onValid(validation.valid);
            setState(validation.valid ? { is: 'valid' } : { is: 'invalid', validation });
          }
        },
        (failure) => current && setState({ is: 'unknown', why: toApiError(failure).message })
      );
    }, PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [value, readOnly, onValid]);

  const range = state.is === 'invalid' ? rangeOf(value, state.validation) : undefined;
  const select = () => {
    if (range && area.current) {
      area.current.focus();
      area.current.setSelectionRange(range.start, range.end);
    }
  };

  return (
    <div>
      <Field
        label="Expression"
        htmlFor="rule-expression"
        required
        noMargin
        description="when { … } always { … } never { … }, over the spans of one trace"
        invalid={state.is === 'invalid'}
      >
        <TextArea
          id="rule-expression"
          ref={area}
          className={styles.area}
          value={value}
          readOnly={readOnly}
          rows={Math.min(24, Math.max(6, value.split('\n').length + 1))}
          spellCheck={false}
          placeholder={EXAMPLE}
          aria-describedby="rule-expression-state"
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      </Field>
      <div id="rule-expression-state" aria-live="polite" className={styles.state}>
        {state.is === 'checking' && <span className={styles.quiet}>Checking…</span>}
        {state.is === 'unknown' && <span className={styles.bad}>Not checked: {state.why}</span>}
        {state.is === 'valid' && (
          <span className={styles.good}>
            <Icon name="check" /> This is a rule.
          </span>
        )}
        {state.is === 'invalid' && (
          <div className={styles.problem}>
            <Stack justifyContent="space-between" alignItems="center" gap={2}>
              <span className={styles.bad}>
                <Icon name="exclamation-circle" />{' '}
                {range && `Line ${state.validation.line}, column ${state.validation.column}: `}
                <Prose text={state.validation.error} />
              </span>
              {range && (
                <Button size="sm" fill="text" onClick={select}>
                  Show in the text
                </Button>
              )}
            </Stack>
            {range && <Excerpt {...excerpt(value, range)} />}
            {state.validation.hint && (
              <div>
                <Prose text={state.validation.hint} />
              </div>
            )}
          </div>
        )}
      </div>
    </div>
  );
}

function Excerpt({ before, wrong, after }: ReturnType<typeof excerpt>) {
  const styles = useStyles2(getStyles);
  return (
    <pre className={styles.excerpt} data-testid="excerpt">
      {before}
      <mark className={styles.mark}>{wrong || ' '}</mark>
      {after}
    </pre>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  area: css({ fontFamily: theme.typography.fontFamilyMonospace }),
  state: css({ minHeight: theme.spacing(4), paddingTop: theme.spacing(1) }),
  quiet: css({ color: theme.colors.text.secondary }),
  good: css({ color: theme.colors.success.text }),
  bad: css({ color: theme.colors.error.text }),
  problem: css({
    padding: theme.spacing(1, 1.5),
    borderLeft: `3px solid ${theme.colors.error.border}`,
    background: theme.colors.background.secondary,
  }),
  excerpt: css({ margin: theme.spacing(0.5, 0), padding: theme.spacing(0.5, 1), whiteSpace: 'pre-wrap' }),
  mark: css({
    padding: 0,
    color: theme.colors.error.contrastText,
    background: theme.colors.error.main,
  }),
});

import { Input } from '@mantine/core';
import { IconAlertCircle, IconCircleCheck, IconDots } from '@tabler/icons-react';
import { useId } from 'react';
import { describeProblem } from '../position';
import { ExpressionEditor } from './ExpressionEditor';
import classes from './ExpressionField.module.css';
import type { Checked } from './useValidation';

interface Props {
  value: string;
  onChange: (value: string) => void;
  checked: Checked;
  /** What was found wrong when it was to be saved. */
  error?: string | undefined;
  onReady: (focus: () => void) => void;
}

/** The editor with its name above and what the backend says below. */
export function ExpressionField({ value, onChange, checked, error, onReady }: Props) {
  const id = useId();
  const { validation, checking } = checked;
  const problem = validation && !validation.valid ? validation : null;
  return (
    <div>
      <Input.Label labelElement="div" required id={`${id}-label`} mb={4}>
        Expression
      </Input.Label>
      <ExpressionEditor
        value={value}
        onChange={onChange}
        problem={value.trim() === '' ? null : problem}
        labelledBy={`${id}-label`}
        describedBy={`${id}-said`}
        invalid={error !== undefined || (problem !== null && !checking)}
        onReady={onReady}
      />
      <div id={`${id}-said`} className={classes.said} role="status" aria-live="polite">
        <Said empty={value.trim() === ''} checked={checked} {...(error === undefined ? {} : { error })} />
      </div>
    </div>
  );
}

function Said({ empty, checked, error }: { empty: boolean; checked: Checked; error?: string }) {
  const { validation, checking } = checked;
  if (error !== undefined) return <span className={classes.wrong}>{error}</span>;
  if (empty) return <span>Checked as you type.</span>;
  if (checked.error) return <span className={classes.wrong}>Could not be checked: {checked.error.message}</span>;
  if (checking || validation === null) {
    return (
      <span>
        <IconDots size={16} aria-hidden /> Checking…
      </span>
    );
  }
  if (validation.valid) {
    return (
      <span className={classes.right}>
        <IconCircleCheck size={16} aria-hidden /> This is a valid rule.
      </span>
    );
  }
  return (
    <>
      <span className={classes.wrong}>
        <IconAlertCircle size={16} aria-hidden /> {describeProblem(validation)}
      </span>
      {validation.hint !== '' && <span className={classes.hint}>Hint: {validation.hint}</span>}
    </>
  );
}

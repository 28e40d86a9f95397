import { useState, type FormEvent } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Field, Input, RadioButtonGroup, Stack, Switch, TagsInput, TextArea, useStyles2 } from '@grafana/ui';
import { toApiError, type ApiError } from '../api/errors';
import { SEVERITIES, type RuleDraft } from '../api/types';
import { problems } from '../lib/rules';
import { ExpressionField } from './ExpressionField';
import { Failure } from './Failure';

interface Props {
  initial: RuleDraft;
  readOnly: boolean;
  onSave: (draft: RuleDraft) => Promise<void>;
  onCancel: () => void;
}

export function RuleForm({ initial, readOnly, onSave, onCancel }: Props) {
  const styles = useStyles2(getStyles);
  const [draft, setDraft] = useState(initial);
  const [touched, setTouched] = useState<Partial<Record<keyof RuleDraft, boolean>>>({});
  const [valid, setValid] = useState(false);
  const [saving, setSaving] = useState(false);
  const [failure, setFailure] = useState<ApiError>();

  const set = (change: Partial<RuleDraft>) => {
    setDraft((before) => ({ ...before, ...change }));
    setTouched((before) => ({ ...before, ...Object.fromEntries(Object.keys(change).map((key) => [key, true])) }));
    setFailure(undefined);
  };
  const wrong = problems(draft);
  const errorOf = (field: keyof RuleDraft) => (touched[field] ? wrong[field] : undefined) ?? failure?.of(field);
  const field = (name: keyof RuleDraft) => ({ error: errorOf(name), invalid: Boolean(errorOf(name)), noMargin: true });

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setSaving(true);
    try {
      await onSave(draft);
    } catch (reason) {
      setFailure(toApiError(reason));
      setSaving(false);
    }
  };

  return (
    <form onSubmit={submit} className={styles.form}>
      <Stack direction="column" gap={2}>
        <Field label="Name" htmlFor="rule-name" required {...field('name')}>
          <Input
            id="rule-name"
            value={draft.name}
            readOnly={readOnly}
            onChange={(event) => set({ name: event.currentTarget.value })}
          />
        </Field>
        <Field label="Description" htmlFor="rule-description" {...field('description')}>
          <TextArea
            id="rule-description"
            rows={2}
            value={draft.description}
            readOnly={readOnly}
            onChange={(event) => set({ description: event.currentTarget.value })}
          />
        </Field>
        <ExpressionField
          value={draft.expression}
          readOnly={readOnly}
          onChange={(expression) => set({ expression })}
          onValid={setValid}
        />
        <Field label="Severity" {...field('severity')}>
          <RadioButtonGroup
            aria-label="Severity"
            disabled={readOnly}
            options={SEVERITIES.map((value) => ({ label: value, value }))}
            value={draft.severity}
            onChange={(severity) => set({ severity })}
          />
        </Field>
        <Field label="Tags" htmlFor="rule-tags" {...field('tags')}>
          <TagsInput id="rule-tags" disabled={readOnly} tags={draft.tags} onChange={(tags) => set({ tags })} />
        </Field>
        <Field label="Enabled" htmlFor="rule-enabled" noMargin>
          <Switch
            id="rule-enabled"
            disabled={readOnly}
            value={draft.enabled}
            onChange={(event) => set({ enabled: event.currentTarget.checked })}
          />
        </Field>
        {failure && <Failure title="The rule was not saved" error={failure} />}
        <Stack gap={1}>
          {!readOnly && (
            <Button
              type="submit"
              icon={saving ? 'spinner' : undefined}
              disabled={!valid || saving || Object.keys(wrong).length > 0}
            >
              Save rule
            </Button>
          )}
          <Button variant="secondary" onClick={onCancel}>
            {readOnly ? 'Back' : 'Cancel'}
          </Button>
        </Stack>
      </Stack>
    </form>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({ form: css({ maxWidth: theme.breakpoints.values.md }) });

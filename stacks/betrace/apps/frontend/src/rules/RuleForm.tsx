import { Button, Grid, Group, NativeSelect, Stack, Switch, TagsInput, Textarea, TextInput } from '@mantine/core';
import { type FormEvent, useRef, useState } from 'react';
import { ApiError } from '../api/error';
import { type RuleDraft, severities } from '../api/types';
import { ErrorNotice } from '../parts/ErrorNotice';
import { severityLabel } from '../parts/Severity';
import { type DraftProblems, draftProblems } from './draft';
import { ExpressionField } from './editor/ExpressionField';
import { useValidation } from './editor/useValidation';
import { LanguageHelp } from './LanguageHelp';

interface Props {
  initial: RuleDraft;
  submitLabel: string;
  saving: boolean;
  error: Error | null;
  onSubmit: (draft: RuleDraft) => void;
  onCancel: () => void;
}

export function RuleForm({ initial, submitLabel, saving, error, onSubmit, onCancel }: Props) {
  const [draft, setDraft] = useState(initial);
  const [problems, setProblems] = useState<DraftProblems>({});
  const checked = useValidation(draft.expression);
  const name = useRef<HTMLInputElement>(null);
  const focusExpression = useRef(() => {});

  const change = (part: Partial<RuleDraft>) => {
    setDraft((old) => ({ ...old, ...part }));
    setProblems((old) => Object.fromEntries(Object.entries(old).filter(([field]) => !(field in part))));
  };
  const said = (field: keyof RuleDraft) =>
    problems[field] ?? (error instanceof ApiError ? error.forField(field) : undefined);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = draftProblems(draft);
    setProblems(found);
    const knownWrong = !checked.checking && checked.validation?.valid === false;
    if (found.name) name.current?.focus();
    else if (found.expression || knownWrong) focusExpression.current();
    if (Object.keys(found).length === 0 && !knownWrong) onSubmit({ ...draft, name: draft.name.trim() });
  };

  return (
    <Grid>
      <Grid.Col span={{ base: 12, md: 8 }}>
        <form onSubmit={submit} noValidate>
          <Stack className="card" p="md">
            <TextInput
              ref={name}
              label="Name"
              required
              value={draft.name}
              error={said('name')}
              onChange={(event) => change({ name: event.currentTarget.value })}
            />
            <ExpressionField
              value={draft.expression}
              onChange={(expression) => change({ expression })}
              checked={checked}
              error={problems.expression}
              onReady={(focus) => {
                focusExpression.current = focus;
              }}
            />
            <NativeSelect
              label="Severity"
              value={draft.severity}
              error={said('severity')}
              onChange={(event) => change({ severity: event.currentTarget.value })}
              data={severities.map((value) => ({ value, label: severityLabel[value] }))}
            />
            <Textarea
              label="Description"
              description="What it means when this rule is broken, and what to do then."
              autosize
              minRows={2}
              value={draft.description}
              error={said('description')}
              onChange={(event) => change({ description: event.currentTarget.value })}
            />
            <TagsInput
              label="Tags"
              description="Press Enter after each."
              value={draft.tags}
              error={said('tags')}
              onChange={(tags) => change({ tags })}
            />
            <Switch
              label="Check traces against this rule"
              checked={draft.enabled}
              onChange={(event) => change({ enabled: event.currentTarget.checked })}
            />
            {error && <ErrorNotice title="The rule is not saved" error={error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onCancel}>
                Cancel
              </Button>
              <Button type="submit" loading={saving}>
                {submitLabel}
              </Button>
            </Group>
          </Stack>
        </form>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 4 }}>
        <LanguageHelp
          onUse={(example) => {
            change({ expression: example.expression, ...(draft.name === '' ? { name: example.name } : {}) });
            focusExpression.current();
          }}
        />
      </Grid.Col>
    </Grid>
  );
}

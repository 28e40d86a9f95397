import { useState } from 'react';
import { useNavigate } from 'react-router';
import { PluginPage } from '@grafana/runtime';
import { Alert, Button, LoadingPlaceholder, Stack } from '@grafana/ui';
import { api } from '../api/client';
import type { Rule, RuleDraft } from '../api/types';
import { DeleteRule } from '../components/DeleteRule';
import { Failure } from '../components/Failure';
import { NavButton } from '../components/NavButton';
import { NotFound } from '../components/NotFound';
import { RuleForm } from '../components/RuleForm';
import { canWrite } from '../lib/access';
import { links } from '../lib/links';
import { EMPTY_RULE, toDraft } from '../lib/rules';
import { useLoad } from '../lib/useLoad';

/** One rule to edit, or to read for those who may not; without an id a new one. */
export function RulePage({ id }: { id?: string }) {
  const { data: rule, error, loading, reload } = useLoad(id ?? '', async () => (id ? api.rule(id) : undefined));
  if (error?.notFound) {
    return <NotFound what="rule" />;
  }
  const text = id ? (rule?.name ?? 'Rule') : 'New rule';
  return (
    <PluginPage
      pageNav={{ text, parentItem: { text: 'Rules', url: links.rules } }}
      actions={rule && <Actions rule={rule} />}
    >
      {error && <Failure title="The rule cannot be shown" error={error} onRetry={reload} />}
      {!error && loading && <LoadingPlaceholder text="Loading…" />}
      {!error && !loading && <Editor rule={rule} />}
    </PluginPage>
  );
}

function Actions({ rule }: { rule: Rule }) {
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  return (
    <Stack gap={1}>
      <NavButton variant="secondary" href={links.violations({ ruleId: rule.id })}>
        Violations
      </NavButton>
      {canWrite() && (
        <Button variant="destructive" fill="outline" onClick={() => setDeleting(true)}>
          Delete
        </Button>
      )}
      {deleting && (
        <DeleteRule rule={rule} onClose={() => setDeleting(false)} onDeleted={() => navigate(links.rules)} />
      )}
    </Stack>
  );
}

function Editor({ rule }: { rule?: Rule }) {
  const navigate = useNavigate();
  const writable = canWrite();
  const save = async (draft: RuleDraft) => {
    await (rule ? api.updateRule(rule.id, draft) : api.createRule(draft));
    navigate(links.rules);
  };
  if (!writable && !rule) {
    return <Alert severity="warning" title="Rules are written by Editors and Admins" />;
  }
  return (
    <RuleForm
      initial={rule ? toDraft(rule) : EMPTY_RULE}
      readOnly={!writable}
      onSave={save}
      onCancel={() => navigate(links.rules)}
    />
  );
}

import { Anchor, Button, Group } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { useRule, useSaveRule } from '../api/rules';
import type { Rule } from '../api/types';
import { ErrorNotice } from '../parts/ErrorNotice';
import { notifyDone } from '../parts/notify';
import { Page } from '../parts/Page';
import { Loading } from '../parts/States';
import { Ago } from '../parts/Time';
import { violationsLink } from '../violations/query';
import { DeleteRuleDialog } from './DeleteRuleDialog';
import { draftOf, newDraft } from './draft';
import { RuleForm } from './RuleForm';

/** Where a rule is written: a new one, or the one with `id`. */
export default function RulePage({ id }: { id?: string }) {
  return id === undefined ? <NewRule /> : <ExistingRule id={id} />;
}

function NewRule() {
  const save = useSaveRule();
  const done = useDone();
  return (
    <Page title="New rule" lead="Checked on every trace as soon as it is saved.">
      <RuleForm
        initial={newDraft}
        submitLabel="Create the rule"
        saving={save.isPending}
        error={save.error}
        onSubmit={(draft) => save.mutate(draft, { onSuccess: (rule) => done(`${rule.name} is created`) })}
        onCancel={() => done()}
      />
    </Page>
  );
}

function ExistingRule({ id }: { id: string }) {
  const rule = useRule(id);
  return (
    <Page
      title="Edit rule"
      lead={rule.data ? <Lead rule={rule.data} /> : undefined}
      aside={rule.data && <Delete rule={rule.data} />}
    >
      {rule.error && (
        <ErrorNotice title="The rule could not be loaded" error={rule.error} onRetry={() => rule.refetch()} />
      )}
      {rule.isPending && <Loading what="the rule" />}
      {rule.data && <Edit rule={rule.data} />}
    </Page>
  );
}

function Lead({ rule }: { rule: Rule }) {
  return (
    <>
      <span className="mono">{rule.id}</span> · changed <Ago time={rule.updatedAt} /> ·{' '}
      <Anchor component={Link} to={violationsLink({ ruleId: rule.id })}>
        its violations
      </Anchor>
    </>
  );
}

function Edit({ rule }: { rule: Rule }) {
  const save = useSaveRule(rule.id);
  const done = useDone();
  return (
    <RuleForm
      initial={draftOf(rule)}
      submitLabel="Save the rule"
      saving={save.isPending}
      error={save.error}
      onSubmit={(draft) => save.mutate(draft, { onSuccess: (saved) => done(`${saved.name} is saved`) })}
      onCancel={() => done()}
    />
  );
}

function Delete({ rule }: { rule: Rule }) {
  const [asking, setAsking] = useState(false);
  const done = useDone();
  return (
    <Group>
      <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setAsking(true)}>
        Delete
      </Button>
      <DeleteRuleDialog rule={rule} opened={asking} onClose={() => setAsking(false)} onDeleted={() => done()} />
    </Group>
  );
}

/** Back to the rules, saying what has been done. */
function useDone() {
  const navigate = useNavigate();
  return (message?: string) => {
    if (message !== undefined) notifyDone(message);
    navigate('/rules');
  };
}

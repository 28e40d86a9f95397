import { ActionIcon, Group, Switch, Tooltip } from '@mantine/core';
import { IconPencil, IconShieldExclamation, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { useSetRuleEnabled } from '../api/rules';
import type { Rule } from '../api/types';
import { notifyFailed } from '../parts/notify';
import { SeverityPill } from '../parts/Severity';
import { Ago } from '../parts/Time';
import { violationsLink } from '../violations/query';
import { DeleteRuleDialog } from './DeleteRuleDialog';
import classes from './RulesPage.module.css';

export function RuleRow({ rule }: { rule: Rule }) {
  const [deleting, setDeleting] = useState(false);
  const editor = `/rules/${encodeURIComponent(rule.id)}`;
  return (
    <li className={`card ${classes.row}`} data-disabled={!rule.enabled || undefined}>
      <div>
        <div className={classes.title}>
          <Link to={editor} className={classes.name ?? ''}>
            {rule.name}
          </Link>
          <SeverityPill severity={rule.severity} />
        </div>
        <code className={`mono ${classes.expression}`}>{rule.expression}</code>
        <div className={classes.meta}>
          {rule.tags.map((tag) => (
            <span key={tag} className={classes.tag}>
              {tag}
            </span>
          ))}
          <span>
            Changed <Ago time={rule.updatedAt} />
          </span>
        </div>
      </div>
      <div className={classes.actions}>
        <EnabledSwitch rule={rule} />
        <Group gap={4} wrap="nowrap">
          <RowLink
            label={`Violations of ${rule.name}`}
            tip="Violations"
            href={violationsLink({ ruleId: rule.id })}
          >
            <IconShieldExclamation size={18} aria-hidden />
          </RowLink>
          <RowLink label={`Edit ${rule.name}`} tip="Edit" href={editor}>
            <IconPencil size={18} aria-hidden />
          </RowLink>
          <Tooltip label="Delete">
            <ActionIcon
              variant="subtle"
              color="red"
              size="lg"
              aria-label={`Delete ${rule.name}`}
              onClick={() => setDeleting(true)}
            >
              <IconTrash size={18} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      </div>
      <DeleteRuleDialog rule={rule} opened={deleting} onClose={() => setDeleting(false)} />
    </li>
  );
}

interface RowLinkProps {
  label: string;
  tip: string;
  href: string;
  children: React.ReactNode;
}

function RowLink({ label, tip, href, children }: RowLinkProps) {
  return (
    <Tooltip label={tip}>
      <ActionIcon component={Link} to={href} variant="subtle" color="gray" size="lg" aria-label={label}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

function EnabledSwitch({ rule }: { rule: Rule }) {
  const setEnabled = useSetRuleEnabled();
  const change = (enabled: boolean) =>
    setEnabled.mutate(
      { id: rule.id, enabled },
      { onError: (error) => notifyFailed(`${rule.name} is as it was`, error) },
    );
  // Shows what was asked for until the list has it.
  const checked = setEnabled.isPending ? setEnabled.variables.enabled : rule.enabled;
  return (
    <Switch
      checked={checked}
      disabled={setEnabled.isPending}
      onChange={(event) => change(event.currentTarget.checked)}
      label={checked ? 'Enabled' : 'Disabled'}
      aria-label={`${rule.name} is enabled`}
    />
  );
}

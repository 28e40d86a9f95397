import { Stack, Text, Title } from '@mantine/core';
import { Link } from 'react-router';
import type { RuleCount } from '../api/types';
import type { Range } from '../time/range';
import { violationsLink } from '../violations/query';
import classes from './TopRules.module.css';

const most = 6;

/** The rules that were broken most, with their share of all. */
export function TopRules({ range, rules, total }: { range: Range; rules: RuleCount[]; total: number }) {
  return (
    <Stack component="section" className={`card ${classes.rules}`} gap="sm" aria-labelledby="top-rules">
      <Title order={2} size="h4" id="top-rules">
        Rules broken most
      </Title>
      {rules.length === 0 && <Text c="dimmed">None in this time.</Text>}
      <ol className={`plain-list ${classes.list}`}>
        {rules.slice(0, most).map((rule) => (
          <li key={rule.ruleId}>
            <Link to={violationsLink({ ruleId: rule.ruleId, range })} className={classes.rule ?? ''}>
              <span className={classes.name}>{rule.ruleName || rule.ruleId}</span>
              <span className={classes.count}>{rule.count.toLocaleString()}</span>
              <span className={classes.track} aria-hidden>
                <span style={{ width: `${total > 0 ? (100 * rule.count) / total : 0}%` }} />
              </span>
            </Link>
          </li>
        ))}
      </ol>
      {rules.length > most && (
        <Text size="sm" c="dimmed">
          and {rules.length - most} more
        </Text>
      )}
    </Stack>
  );
}

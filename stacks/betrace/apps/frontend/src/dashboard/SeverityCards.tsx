import { SimpleGrid } from '@mantine/core';
import { Link } from 'react-router';
import { severities, type ViolationStats } from '../api/types';
import { severityIcon, severityLabel } from '../parts/Severity';
import { type Range, rangeLabel } from '../time/range';
import { violationsLink } from '../violations/query';
import classes from './SeverityCards.module.css';

/** How many violations of each severity there were; each number leads to them. */
export function SeverityCards({ range, stats }: { range: Range; stats: ViolationStats }) {
  return (
    <section aria-label={`Violations by severity, ${rangeLabel(range).toLowerCase()}`}>
      <SimpleGrid component="ul" cols={{ base: 2, sm: 4 }} spacing="sm" className="plain-list">
        {severities.map((severity) => {
          const SeverityIcon = severityIcon[severity];
          const count = stats.bySeverity[severity] ?? 0;
          return (
            <li key={severity}>
              <Link
                to={violationsLink({ severity, range })}
                className={`card ${classes.card}`}
                data-severity={severity}
                data-none={count === 0 || undefined}
              >
                <span className={classes.name}>
                  <SeverityIcon size={18} stroke={2} aria-hidden />
                  {severityLabel[severity]}
                </span>
                <span className={classes.count}>{count.toLocaleString()}</span>
              </Link>
            </li>
          );
        })}
      </SimpleGrid>
    </section>
  );
}

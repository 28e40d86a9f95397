import { Link } from 'react-router';
import type { Violation } from '../api/types';
import { ShortId } from '../parts/Id';
import { SeverityPill } from '../parts/Severity';
import { Ago } from '../parts/Time';
import classes from './ViolationList.module.css';

/** Violations, newest first: a row each where there is room, else a card each. */
export function ViolationList({ violations, label }: { violations: Violation[]; label: string }) {
  return (
    <ul className={`card plain-list ${classes.list}`} aria-label={label}>
      {violations.map((violation) => (
        <li key={violation.id} className={classes.row}>
          <span className={classes.severity}>
            <SeverityPill severity={violation.severity} />
          </span>
          <span className={classes.what}>
            <Link to={`/violations/${encodeURIComponent(violation.id)}`} className={classes.link ?? ''}>
              {violation.ruleName || violation.ruleId}
            </Link>
            <span className={classes.message}>{violation.message}</span>
          </span>
          <span className={classes.where}>
            <Ago time={violation.timestamp} />
            <span>
              trace <ShortId value={violation.traceId} />
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}

import { Badge, type BadgeColor, type IconName } from '@grafana/ui';
import type { Severity } from '../api/types';

const LOOKS: Record<Severity, { color: BadgeColor; icon: IconName }> = {
  CRITICAL: { color: 'red', icon: 'exclamation-circle' },
  HIGH: { color: 'orange', icon: 'exclamation-triangle' },
  MEDIUM: { color: 'blue', icon: 'info-circle' },
  LOW: { color: 'green', icon: 'arrow-down' },
};

export function SeverityBadge({ severity }: { severity: Severity }) {
  return <Badge text={severity} {...LOOKS[severity]} />;
}

import { IconAlertOctagon, IconAlertTriangle, IconChevronsUp, IconInfoCircle } from '@tabler/icons-react';
import { isSeverity, type Severity } from '../api/types';
import { Pill, type Tone } from './Pill';

export const severityLabel: Record<Severity, string> = {
  CRITICAL: 'Critical',
  HIGH: 'High',
  MEDIUM: 'Medium',
  LOW: 'Low',
};

export const severityTone: Record<Severity, Tone> = {
  CRITICAL: 'critical',
  HIGH: 'high',
  MEDIUM: 'medium',
  LOW: 'low',
};

// Each its own shape, so that colour is not all that tells them apart.
export const severityIcon = {
  CRITICAL: IconAlertOctagon,
  HIGH: IconAlertTriangle,
  MEDIUM: IconChevronsUp,
  LOW: IconInfoCircle,
} as const;

export function SeverityPill({ severity }: { severity: string }) {
  if (!isSeverity(severity)) return <Pill tone="neutral">{severity || 'Unknown'}</Pill>;
  return (
    <Pill tone={severityTone[severity]} icon={severityIcon[severity]}>
      {severityLabel[severity]}
    </Pill>
  );
}

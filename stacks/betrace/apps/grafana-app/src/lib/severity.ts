import type { GrafanaTheme2 } from '@grafana/data';
import type { Severity } from '../api/types';

const COLORS: Record<Severity, string> = { CRITICAL: 'red', HIGH: 'orange', MEDIUM: 'blue', LOW: 'green' };

/** One colour for each severity everywhere, the badges' included. */
export const severityColor = (theme: GrafanaTheme2, severity: Severity) =>
  theme.visualization.getColorByName(COLORS[severity]);

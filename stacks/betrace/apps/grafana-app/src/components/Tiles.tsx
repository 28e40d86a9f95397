import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2, useTheme2 } from '@grafana/ui';
import { SEVERITIES, type Rule, type ViolationStats } from '../api/types';
import { severityColor } from '../lib/severity';

interface Props {
  stats: ViolationStats;
  rules: Rule[];
  backend: { ready: boolean; why: string };
}

export function Tiles({ stats, rules, backend }: Props) {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  const enabled = rules.filter((rule) => rule.enabled).length;
  return (
    <dl className={styles.tiles}>
      <Tile label="Violations" value={stats.totalCount.toLocaleString()} />
      {SEVERITIES.map((severity) => (
        <Tile
          key={severity}
          label={severity}
          value={(stats.bySeverity[severity] ?? 0).toLocaleString()}
          mark={severityColor(theme, severity)}
        />
      ))}
      <Tile label="Rules enabled" value={`${enabled} of ${rules.length}`} />
      <Tile label="Backend" value={backend.ready ? 'Ready' : 'Not ready'} note={backend.why} bad={!backend.ready} />
    </dl>
  );
}

interface TileProps {
  label: string;
  value: string;
  mark?: string;
  note?: string;
  bad?: boolean;
}

function Tile({ label, value, mark, note, bad }: TileProps) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.tile} style={mark ? { borderTopColor: mark } : undefined}>
      <dt>{label}</dt>
      <dd className={bad ? styles.bad : undefined}>{value}</dd>
      {note && <dd className={styles.note}>{note}</dd>}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  tiles: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(130px, 1fr))',
    gap: theme.spacing(1),
    margin: 0,
  }),
  tile: css({
    padding: theme.spacing(1.5),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderTopWidth: 3,
    borderRadius: theme.shape.radius.default,
    '& dt': { color: theme.colors.text.secondary, fontWeight: 'normal', fontSize: theme.typography.bodySmall.fontSize },
    '& dd': { margin: 0, fontSize: theme.typography.h3.fontSize, fontVariantNumeric: 'tabular-nums' },
  }),
  bad: css({ color: theme.colors.error.text }),
  note: css({ '&&': { fontSize: theme.typography.bodySmall.fontSize, color: theme.colors.text.secondary } }),
});

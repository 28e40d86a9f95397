// What Grafana puts around a page of an app: navigation, title, actions.
import type { ReactNode } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import type { PluginPageProps } from '@grafana/runtime';
import { Link, Text, useStyles2 } from '@grafana/ui';
import { useLocation } from 'react-router-dom-v5-compat';

export interface Include {
  name: string;
  path: string;
  role: string;
  addToNav: boolean;
}

export function Frame({ pages, children }: { pages: Include[]; children: ReactNode }) {
  const styles = useStyles2(getStyles);
  const { pathname } = useLocation();
  return (
    <div className={styles.frame}>
      <nav className={styles.nav} aria-label="BeTrace">
        <strong>BeTrace</strong>
        {pages.map(({ name, path }) => (
          <Link key={path} href={path} aria-current={pathname === path ? 'page' : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      <main className={styles.main}>{children}</main>
    </div>
  );
}

export function Page({ pageNav, subTitle, actions, children }: PluginPageProps) {
  const styles = useStyles2(getStyles);
  const { pathname } = useLocation();
  const title =
    pageNav?.text ??
    { rules: 'Rules', violations: 'Violations', traces: 'Traces' }[pathname.split('/')[3]] ??
    'Overview';
  return (
    <>
      {pageNav?.parentItem && <Link href={pageNav.parentItem.url ?? ''}>{pageNav.parentItem.text}</Link>}
      <header className={styles.header}>
        <Text element="h1">{title}</Text>
        <div>{actions}</div>
      </header>
      {subTitle && <p className={styles.sub}>{subTitle}</p>}
      {children}
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  frame: css({
    display: 'grid',
    gridTemplateColumns: '180px minmax(0, 1fr)',
    minHeight: '100vh',
    [theme.breakpoints.down('md')]: { gridTemplateColumns: 'minmax(0, 1fr)', gridTemplateRows: 'auto 1fr' },
  }),
  nav: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(1.5),
    padding: theme.spacing(2),
    background: theme.colors.background.primary,
    borderRight: `1px solid ${theme.colors.border.weak}`,
    '& a[aria-current]': { fontWeight: theme.typography.fontWeightMedium, color: theme.colors.text.maxContrast },
    [theme.breakpoints.down('md')]: { flexDirection: 'row', flexWrap: 'wrap' },
  }),
  main: css({ padding: theme.spacing(3), [theme.breakpoints.down('md')]: { padding: theme.spacing(2) } }),
  header: css({
    display: 'flex',
    flexWrap: 'wrap',
    justifyContent: 'space-between',
    alignItems: 'center',
    gap: theme.spacing(1),
    marginBottom: theme.spacing(1),
    '& h1': { overflowWrap: 'anywhere', minWidth: 0 },
  }),
  sub: css({ color: theme.colors.text.secondary, marginBottom: theme.spacing(2) }),
});

import type { ReactNode } from 'react';
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Stack, Text, TextLink, useStyles2 } from '@grafana/ui';

interface Props {
  title: string;
  more?: { text: string; href: string };
  children: ReactNode;
}

/** A part of a page that looks as a panel of Grafana does. */
export function Section({ title, more, children }: Props) {
  const styles = useStyles2(getStyles);
  return (
    <section className={styles.section} aria-label={title}>
      <Stack justifyContent="space-between" alignItems="center">
        <Text element="h2" variant="h5">
          {title}
        </Text>
        {more && (
          <TextLink inline={false} href={more.href}>
            {more.text}
          </TextLink>
        )}
      </Stack>
      <div className={styles.body}>{children}</div>
    </section>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  section: css({
    marginTop: theme.spacing(2),
    padding: theme.spacing(2),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
  }),
  body: css({ marginTop: theme.spacing(1.5), overflowX: 'auto' }),
});

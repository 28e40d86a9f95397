import { ActionIcon, Container, Group, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKey } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { ColorSchemeMenu } from './ColorSchemeMenu';
import { KeyDialog } from './KeyDialog';
import { Logo } from './Logo';
import { Nav } from './Nav';
import classes from './Shell.module.css';

/** What is around every page: the bar at the top, and on phones the one at the bottom. */
export function Shell({ children }: { children: ReactNode }) {
  const [keyOpened, key] = useDisclosure(false);
  return (
    <>
      <a href="#main" className="skip-link">
        Skip to the content
      </a>
      <header className={classes.header}>
        <Container size="lg" className={classes.bar}>
          <Link to="/" className={classes.brand ?? ''} aria-label="BeTrace, dashboard">
            <Logo />
            <span aria-hidden>BeTrace</span>
          </Link>
          <Nav />
          <Group gap="xs" ml="auto" wrap="nowrap">
            <Tooltip label="API key">
              <ActionIcon variant="default" size="lg" aria-label="API key" onClick={key.open}>
                <IconKey size={18} aria-hidden />
              </ActionIcon>
            </Tooltip>
            <ColorSchemeMenu />
          </Group>
        </Container>
      </header>
      <main id="main" tabIndex={-1} className={classes.main}>
        <Container size="lg">{children}</Container>
      </main>
      <KeyDialog opened={keyOpened} onClose={key.close} />
    </>
  );
}

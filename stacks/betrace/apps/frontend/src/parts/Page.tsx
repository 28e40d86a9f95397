import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';

interface Props {
  title: string;
  /** Beside the title. */
  aside?: ReactNode;
  /** Under the title. */
  lead?: ReactNode;
  children: ReactNode;
}

// The first page keeps the browser's own focus; on every later one the title is read out.
let shown = 0;

/** A page: names the browser's tab, and moves the focus to its title when a person comes to it. */
export function Page({ title, aside, lead, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = title === 'Dashboard' ? 'BeTrace' : `${title} · BeTrace`;
  }, [title]);
  useEffect(() => {
    if (shown++ === 0) return;
    window.scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={1} size="h2" ref={heading} tabIndex={-1}>
            {title}
          </Title>
          {lead && (
            <Text c="dimmed" component="div">
              {lead}
            </Text>
          )}
        </div>
        {aside}
      </Group>
      {children}
    </Stack>
  );
}

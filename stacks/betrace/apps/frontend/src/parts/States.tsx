import { Loader, Stack, Text, Title } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';

/** Something is on its way. */
export function Loading({ what }: { what: string }) {
  return (
    <Stack align="center" gap="xs" py="xl" role="status">
      <Loader size="sm" aria-hidden />
      <Text size="sm" c="dimmed">
        Loading {what}…
      </Text>
    </Stack>
  );
}

interface EmptyProps {
  icon: Icon;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}

/** There is nothing here, and what to do about it. */
export function Empty({ icon: EmptyIcon, title, children, action }: EmptyProps) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center">
      <EmptyIcon size={36} stroke={1.5} color="var(--bt-soft)" aria-hidden />
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text c="dimmed" maw={460}>
        {children}
      </Text>
      {action}
    </Stack>
  );
}

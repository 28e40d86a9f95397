import { Button } from '@mantine/core';
import { IconMapPinOff } from '@tabler/icons-react';
import { Link } from 'react-router';
import { Page } from './Page';
import { Empty } from './States';

export function NotFound() {
  return (
    <Page title="Page not found">
      <Empty
        icon={IconMapPinOff}
        title="There is no page at this address"
        action={
          <Button component={Link} to="/" mt="sm">
            Go to the dashboard
          </Button>
        }
      >
        It may have been mistyped, or what it showed may have been deleted.
      </Empty>
    </Page>
  );
}

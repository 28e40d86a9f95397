import { PluginPage } from '@grafana/runtime';
import { EmptyState } from '@grafana/ui';
import { NavButton } from './NavButton';
import { links } from '../lib/links';

export function NotFound({ what }: { what: string }) {
  return (
    <PluginPage pageNav={{ text: 'Not found' }}>
      <EmptyState
        variant="not-found"
        message={`There is no such ${what}`}
        button={<NavButton href={links.overview}>Overview</NavButton>}
      />
    </PluginPage>
  );
}

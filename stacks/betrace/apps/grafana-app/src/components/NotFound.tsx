import { PluginPage } from '@grafana/runtime';
import { EmptyState, LinkButton } from '@grafana/ui';
import { links } from '../lib/links';

export function NotFound({ what }: { what: string }) {
  return (
    <PluginPage pageNav={{ text: 'Not found' }}>
      <EmptyState
        variant="not-found"
        message={`There is no such ${what}`}
        button={<LinkButton href={links.overview}>Overview</LinkButton>}
      />
    </PluginPage>
  );
}

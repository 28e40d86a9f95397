import type { ComponentProps } from 'react';
import { locationUtil } from '@grafana/data';
import { LinkButton } from '@grafana/ui';

type Props = ComponentProps<typeof LinkButton> & { href: string };

/** A button that leads to a page of Grafana, also where Grafana itself lies below another path. */
export function NavButton({ href, ...rest }: Props) {
  return <LinkButton {...rest} href={locationUtil.assureBaseUrl(href)} />;
}

import { locationUtil } from '@grafana/data';
import { LinkButton, type ButtonVariant } from '@grafana/ui';
import { canExplore } from '../lib/access';
import { tempoLink } from '../lib/links';

interface Props {
  traceId: string;
  /** When the trace was, where that is known. */
  around?: string;
  variant?: ButtonVariant;
}

/** Nothing for those who may not open Explore: the link would only lead them to a refusal. */
export function TempoButton({ traceId, around, variant = 'secondary' }: Props) {
  if (!canExplore()) {
    return null;
  }
  return (
    <LinkButton icon="compass" variant={variant} href={locationUtil.assureBaseUrl(tempoLink(traceId, around))}>
      Open in Tempo
    </LinkButton>
  );
}

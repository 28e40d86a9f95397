import { type ButtonVariant } from '@grafana/ui';
import { NavButton } from './NavButton';
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
    <NavButton icon="compass" variant={variant} href={tempoLink(traceId, around)}>
      Open in Tempo
    </NavButton>
  );
}

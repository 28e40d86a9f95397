import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './Pill.module.css';

export type Tone = 'critical' | 'high' | 'medium' | 'low' | 'ok' | 'bad' | 'neutral' | 'match';

interface Props {
  tone: Tone;
  icon?: Icon;
  children: ReactNode;
}

/** A word of state: its colours, its shape and its text say the same. */
export function Pill({ tone, icon: PillIcon, children }: Props) {
  return (
    <span className={classes.pill} data-tone={tone}>
      {PillIcon && <PillIcon size={14} stroke={2.2} aria-hidden />}
      {children}
    </span>
  );
}

import { ActionIcon, CopyButton, Tooltip, VisuallyHidden } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import classes from './Id.module.css';

interface Props {
  value: string;
  /** What it is: `trace id`. */
  what: string;
}

/** A long identifier in full, with a button that copies it. */
export function CopyableId({ value, what }: Props) {
  return (
    <span className={classes.id}>
      <code className="mono">{value}</code>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <>
            <Tooltip label={copied ? 'Copied' : `Copy the ${what}`}>
              <ActionIcon variant="subtle" color="gray" size="sm" onClick={copy} aria-label={`Copy the ${what}`}>
                {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
              </ActionIcon>
            </Tooltip>
            <VisuallyHidden role="status">{copied ? 'Copied' : ''}</VisuallyHidden>
          </>
        )}
      </CopyButton>
    </span>
  );
}

/** The start of a long identifier; all of it when pointed at. */
export function ShortId({ value }: { value: string }) {
  return (
    <code className="mono" title={value}>
      {value.length > 12 ? `${value.slice(0, 8)}…` : value}
    </code>
  );
}

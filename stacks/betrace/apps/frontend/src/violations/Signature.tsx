import { Text } from '@mantine/core';
import { IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import type { Violation } from '../api/types';
import { CopyableId } from '../parts/Id';
import { Pill } from '../parts/Pill';

/** Whether the violation is as the backend stored it. */
export function Signature({ violation }: { violation: Violation }) {
  return (
    <>
      {violation.verified ? (
        <Pill tone="ok" icon={IconShieldCheck}>
          Signature verified
        </Pill>
      ) : (
        <Pill tone="bad" icon={IconShieldX}>
          Signature not verified
        </Pill>
      )}
      <Text size="sm" c="dimmed" mt={4}>
        {violation.verified
          ? 'Nothing in this violation has changed since the backend signed it with the key it has now.'
          : 'This is not what the backend’s key signed: the violation was changed, or the key was.'}
      </Text>
      {violation.signature !== '' && <CopyableId value={violation.signature} what="signature" />}
    </>
  );
}

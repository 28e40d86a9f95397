import { Stack, Text, Title } from '@mantine/core';
import { IconShieldCheck, IconShieldX } from '@tabler/icons-react';
import type { Violation } from '../api/types';
import { CopyableId } from '../parts/Id';
import { Pill } from '../parts/Pill';

/** Whether the violation is as the backend stored it. */
export function Signature({ violation }: { violation: Violation }) {
  return (
    <Stack component="section" className="card" p="md" gap="xs" aria-labelledby="signature">
      <Title order={2} size="h4" id="signature">
        Signature
      </Title>
      <div>
        <SignaturePill verified={violation.verified} />
      </div>
      <Text size="sm" c="dimmed">
        {violation.verified
          ? 'Nothing in this violation has changed since the backend signed it with the key it has now.'
          : 'The signature is not that of the backend’s key over what is shown here: the violation was changed, or the key was.'}
      </Text>
      {violation.signature !== '' && <CopyableId value={violation.signature} what="signature" />}
    </Stack>
  );
}

export function SignaturePill({ verified }: { verified: boolean }) {
  return verified ? (
    <Pill tone="ok" icon={IconShieldCheck}>
      Signature verified
    </Pill>
  ) : (
    <Pill tone="bad" icon={IconShieldX}>
      Signature not verified
    </Pill>
  );
}

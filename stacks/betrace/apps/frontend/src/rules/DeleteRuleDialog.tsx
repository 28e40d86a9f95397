import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDeleteRule } from '../api/rules';
import type { Rule } from '../api/types';
import { ErrorNotice } from '../parts/ErrorNotice';
import { notifyDone } from '../parts/notify';

interface Props {
  rule: Pick<Rule, 'id' | 'name'>;
  opened: boolean;
  onClose: () => void;
  onDeleted?: () => void;
}

export function DeleteRuleDialog({ rule, opened, onClose, onDeleted }: Props) {
  const remove = useDeleteRule();
  const confirm = () =>
    remove.mutate(rule.id, {
      onSuccess: () => {
        notifyDone(`${rule.name} is deleted`);
        onClose();
        onDeleted?.();
      },
    });
  const close = () => {
    remove.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title="Delete this rule?" centered>
      <Stack>
        <Text>
          <strong>{rule.name}</strong> will not be checked any more. The violations that it found stay.
        </Text>
        {remove.error && <ErrorNotice title="The rule could not be deleted" error={remove.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close} data-autofocus>
            Keep it
          </Button>
          <Button color="red.9" onClick={confirm} loading={remove.isPending}>
            Delete
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

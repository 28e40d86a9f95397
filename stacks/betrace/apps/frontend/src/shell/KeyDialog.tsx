import { Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { apiKey, onKeyPrompt, type KeyPrompt as Prompt, setApiKey } from '../api/key';

interface Props {
  opened: boolean;
  onClose: () => void;
}

/** Where a person gives or forgets the key beforehand. */
export function KeyDialog({ opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="API key" centered>
      <KeyForm
        initial={apiKey() ?? ''}
        lead="The backend may want a key from those who change something. It is kept until this tab is closed."
        onCancel={onClose}
        onSave={(key) => {
          setApiKey(key);
          onClose();
        }}
      />
    </Modal>
  );
}

/** Comes up when the backend refuses a request for want of a key, and lets it go on with one. */
export function KeyPrompt() {
  const [prompt, setPrompt] = useState<Prompt | null>(null);
  useEffect(() => onKeyPrompt(setPrompt), []);
  return (
    <Modal opened={prompt !== null} onClose={() => prompt?.answer(null)} title="An API key is needed" centered>
      <KeyForm
        initial=""
        lead="The backend wants a key for this. It is kept until this tab is closed."
        {...(prompt?.refused ? { error: 'The backend did not take the key that was sent.' } : {})}
        onCancel={() => prompt?.answer(null)}
        onSave={(key) => prompt?.answer(key === '' ? null : key)}
      />
    </Modal>
  );
}

interface FormProps {
  initial: string;
  lead: string;
  error?: string;
  onCancel: () => void;
  onSave: (key: string) => void;
}

function KeyForm({ initial, lead, error, onCancel, onSave }: FormProps) {
  const [key, setKey] = useState(initial);
  const [unusable, setUnusable] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // It may stand in a form that this one was opened from.
    event.stopPropagation();
    const trimmed = key.trim();
    // Nothing else can be sent in a header.
    if (/[^\x21-\x7e]/.test(trimmed)) setUnusable(true);
    else onSave(trimmed);
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{lead}</Text>
        <PasswordInput
          label="API key"
          value={key}
          onChange={(event) => {
            setKey(event.currentTarget.value);
            setUnusable(false);
          }}
          error={unusable ? 'A key has letters, digits and signs only, and no spaces.' : error}
          autoComplete="off"
          data-autofocus
          visibilityToggleButtonProps={{ 'aria-label': 'Show the key' }}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit">Save</Button>
        </Group>
      </Stack>
    </form>
  );
}

import { Alert, Button, List, Text } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';
import { ApiError, describeDetail } from '../api/error';

interface Props {
  /** What was to be done: `The rules could not be loaded`. */
  title: string;
  error: Error;
  onRetry?: () => void;
}

/** An error with all that the backend says about it. */
export function ErrorNotice({ title, error, onRetry }: Props) {
  const details = error instanceof ApiError ? error.details : [];
  return (
    <Alert
      role="alert"
      color="red"
      variant="outline"
      title={title}
      icon={<IconAlertCircle aria-hidden />}
      styles={{ root: { background: 'var(--bt-card)' }, title: { color: 'var(--bt-bad)' } }}
    >
      <Text size="sm">{error.message}</Text>
      {details.length > 0 && (
        <List size="sm" mt="xs">
          {details.map((detail) => (
            <List.Item key={`${detail.field}:${detail.line}:${detail.column}:${detail.description}`}>
              {detail.field !== '' && <strong>{detail.field}: </strong>}
              {describeDetail(detail)}
            </List.Item>
          ))}
        </List>
      )}
      {onRetry && (
        <Button mt="sm" size="xs" variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

import { Alert, Button } from '@grafana/ui';
import type { ApiError } from '../api/errors';

interface Props {
  title: string;
  error: ApiError;
  onRetry?: () => void;
}

export function Failure({ title, error, onRetry }: Props) {
  return (
    <Alert title={title} severity="error">
      <p>{error.message}</p>
      {onRetry && (
        <Button size="sm" variant="secondary" icon="sync" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

import { useState } from 'react';
import { ConfirmModal } from '@grafana/ui';
import { api } from '../api/client';
import { toApiError, type ApiError } from '../api/errors';
import type { Rule } from '../api/types';
import { Failure } from './Failure';

interface Props {
  rule: Rule;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteRule({ rule, onClose, onDeleted }: Props) {
  const [failure, setFailure] = useState<ApiError>();
  const remove = async () => {
    try {
      await api.deleteRule(rule.id);
    } catch (reason) {
      const error = toApiError(reason);
      // Someone else was faster; what was wanted is so.
      if (!error.notFound) {
        setFailure(error);
        return;
      }
    }
    onClose();
    onDeleted();
  };
  return (
    <ConfirmModal
      isOpen
      title="Delete rule"
      body={
        <>
          {failure && <Failure title="The rule was not deleted" error={failure} />}
          Delete “{rule.name}”? Violations that it found stay.
        </>
      }
      confirmText="Delete"
      onConfirm={remove}
      onDismiss={onClose}
    />
  );
}

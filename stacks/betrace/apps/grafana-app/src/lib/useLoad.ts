import { useCallback, useEffect, useState } from 'react';
import { toApiError, type ApiError } from '../api/errors';

export interface Loaded<T> {
  /** The last answer; it stays while a newer one is on its way. */
  data?: T;
  error?: ApiError;
  loading: boolean;
  reload: () => void;
}

/** Loads on sight, again whenever `key` changes, and on `reload`. An answer that comes too late is dropped. */
export function useLoad<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({ loading: true });
  const [round, setRound] = useState(0);

  useEffect(() => {
    let current = true;
    setState((before) => ({ ...before, loading: true }));
    load().then(
      (data) => current && setState({ data, loading: false }),
      (failure) => current && setState({ error: toApiError(failure), loading: false })
    );
    return () => {
      current = false;
    };
    // `key` stands for all that `load` depends on.
  }, [key, round]);

  return { ...state, reload: useCallback(() => setRound((n) => n + 1), []) };
}

import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { validateRule } from '../../api/rules';
import type { Validation } from '../../api/types';

const typingPause = 300;

export interface Checked {
  /** Whether what is typed has not been looked at yet. */
  checking: boolean;
  /** What was said last; of an earlier text while `checking`. */
  validation: Validation | null;
  error: Error | null;
}

/** What the backend says about an expression, asked when typing pauses. */
export function useValidation(expression: string): Checked {
  const [settled] = useDebouncedValue(expression, typingPause);
  const query = useQuery({
    queryKey: ['validation', settled],
    queryFn: ({ signal }) => validateRule(settled, signal),
    enabled: settled.trim() !== '',
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  });
  if (expression.trim() === '') return { checking: false, validation: null, error: null };
  return {
    checking: settled !== expression || query.isFetching,
    validation: query.data ?? null,
    error: query.error,
  };
}

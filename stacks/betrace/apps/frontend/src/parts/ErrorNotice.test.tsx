import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { parseError } from '../api/error';
import { ErrorNotice } from './ErrorNotice';

it('reads out the message, every detail and a way on', async () => {
  const body = {
    message: 'the rule is not valid',
    details: [
      { field: 'expression', description: 'expected `}`', line: 1, column: 9, hint: 'close the block' },
      { field: 'tags', description: 'too many' },
    ],
  };
  const retry = vi.fn();
  render(
    <MantineProvider>
      <ErrorNotice title="The rule is not saved" error={parseError(400, JSON.stringify(body))} onRetry={retry} />
    </MantineProvider>,
  );
  expect(screen.getByRole('alert')).toHaveTextContent('The rule is not saved');
  expect(screen.getByRole('alert')).toHaveTextContent('the rule is not valid');
  expect(screen.getAllByRole('listitem').map((item) => item.textContent)).toEqual([
    'expression: Line 1, column 9: expected `}` Hint: close the block',
    'tags: too many',
  ]);
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(retry).toHaveBeenCalledOnce();
});

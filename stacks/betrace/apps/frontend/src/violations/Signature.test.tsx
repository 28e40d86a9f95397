import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { violation } from '../test/data';
import { Signature } from './Signature';

const show = (verified: boolean) =>
  render(
    <MantineProvider>
      <Signature violation={{ ...violation, verified }} />
    </MantineProvider>,
  );

it('tells a signature that is right from one that is not', () => {
  show(true);
  expect(screen.getByText('Signature verified')).toBeVisible();
  expect(screen.queryByText('Signature not verified')).not.toBeInTheDocument();
});

it('says what a wrong one means', () => {
  show(false);
  expect(screen.getByText('Signature not verified')).toBeVisible();
  expect(screen.getByText(/was changed, or the key was/)).toBeVisible();
});

import { MantineProvider } from '@mantine/core';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Span } from '../api/types';
import { span } from '../test/data';
import { buildWaterfall } from './rows';
import { Waterfall } from './Waterfall';

const show = (spans: Span[], ...matched: string[]) =>
  render(
    <MantineProvider>
      <Waterfall rows={buildWaterfall(spans).rows} matched={new Set(matched)} />
    </MantineProvider>,
  );

const spans = [
  span('a', '', 0, 4_000_000),
  { ...span('b', 'a', 1_000_000, 3_000_000), attributes: { total: '900' }, status: 'ERROR' },
];

it('says in words what the bars and colours show', () => {
  show(spans, 'b');
  const [first, second] = screen.getAllByRole('listitem');
  expect(first).toHaveTextContent('level 1');
  expect(first).not.toHaveTextContent('Found by the rule');
  expect(second).toHaveTextContent('level 2');
  expect(second).toHaveTextContent('Found by the rule');
  expect(second).toHaveTextContent('Error');
  expect(second).toHaveTextContent('starts after 1 ms, takes 2 ms');
});

it('opens what is known of a span', async () => {
  show(spans);
  const name = screen.getByRole('button', { name: 'span b' });
  expect(screen.queryByText('900')).not.toBeInTheDocument();
  await userEvent.click(name);
  expect(name).toHaveAttribute('aria-expanded', 'true');
  expect(screen.getByText('900')).toBeVisible();
});

it('folds what lies below a span, and keeps the rest as it was', async () => {
  show([...spans, span('c', 'b', 2_000_000, 3_000_000), span('d', 'a', 3_500_000, 4_000_000)]);
  await userEvent.click(screen.getByRole('button', { name: 'span d' }));
  await userEvent.click(screen.getByRole('button', { name: 'Spans below span b: 1' }));
  const items = within(screen.getByRole('list')).getAllByRole('listitem');
  expect(items.map((item) => within(item).getAllByRole('button').at(-1)?.textContent)).toEqual([
    'span a',
    'span b',
    'span d',
  ]);
  expect(screen.getByRole('button', { name: 'span d' })).toHaveAttribute('aria-expanded', 'true');
});

it('shows long traces in parts', async () => {
  show(Array.from({ length: 250 }, (_, i) => span(`s${i}`, '', i, i + 1)));
  expect(screen.getAllByRole('listitem')).toHaveLength(100);
  await userEvent.click(screen.getByRole('button', { name: 'Show 150 more of 150' }));
  expect(screen.getAllByRole('listitem')).toHaveLength(250);
});

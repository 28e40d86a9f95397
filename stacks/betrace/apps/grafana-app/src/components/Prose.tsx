import { Fragment } from 'react';

/** A sentence of the backend, which puts what comes from a rule or a trace between backticks. */
export function Prose({ text }: { text: string }) {
  return text
    .split('`')
    .map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : <Fragment key={i}>{part}</Fragment>));
}

import { Button, Code, Stack, Text, Title } from '@mantine/core';
import { type Example, examples } from './examples';
import classes from './LanguageHelp.module.css';

const forms: [string, string][] = [
  ['order.ship', 'A span with this name is in the trace.'],
  ['"GET /users"', 'The same, for names with other characters.'],
  ['charge.where(amount > 100)', 'A span with this name and this attribute.'],
  ['count(db.query) <= 20', 'How many spans have this name.'],
  ['a and b · a or b · not a', 'Both, one of them, none.'],
  ['== != < <= > >=', 'Compare an attribute with a value.'],
  ['in ["a", "b"] · matches "^4" · contains "x"', 'One of a list, a regular expression, a part.'],
  ['duration_ms · span.status · service.name', 'Known of every span, for where( … ).'],
];

/** The language in short, with rules to start from. */
export function LanguageHelp({ onUse }: { onUse: (example: Example) => void }) {
  return (
    <Stack component="aside" gap="md" className={`card ${classes.help}`} aria-labelledby="language">
      <Title order={2} size="h4" id="language">
        How a rule is written
      </Title>
      <Text size="sm">
        <Code>when {'{ … }'}</Code> says which traces the rule is for, <Code>always {'{ … }'}</Code> what must hold
        in them, <Code>never {'{ … }'}</Code> what must not. At least one of the last two.
      </Text>
      <dl className={classes.forms}>
        {forms.map(([form, meaning]) => (
          <div key={form}>
            <dt>
              <code className="mono">{form}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <Title order={3} size="h5">
        Start from an example
      </Title>
      <ul className={`plain-list ${classes.examples}`}>
        {examples.map((example) => (
          <li key={example.name}>
            <Text size="sm" fw={500}>
              {example.name}
            </Text>
            <pre className="mono">{example.expression}</pre>
            <Button
              size="xs"
              variant="default"
              onClick={() => onUse(example)}
              aria-label={`Use the example: ${example.name}`}
            >
              Use this
            </Button>
          </li>
        ))}
      </ul>
    </Stack>
  );
}

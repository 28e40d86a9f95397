import { TextInput, type TextInputProps } from '@mantine/core';
import { useEffect, useState } from 'react';

interface Props extends Omit<TextInputProps, 'value' | 'onChange'> {
  value: string;
  onSettle: (value: string) => void;
}

/** Takes effect on Enter, when it is left or when it is emptied: what is half typed is no filter. */
export function SettledInput({ value, onSettle, ...others }: Props) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const settle = (typed: string) => {
    if (typed !== value) onSettle(typed);
  };
  return (
    <TextInput
      {...others}
      value={text}
      onChange={(event) => {
        const typed = event.currentTarget.value;
        setText(typed);
        if (typed === '') settle(typed);
      }}
      onBlur={() => settle(text)}
      onKeyDown={(event) => event.key === 'Enter' && settle(text)}
    />
  );
}

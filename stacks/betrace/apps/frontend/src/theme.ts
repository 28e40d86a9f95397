import { Anchor, createTheme, type MantineColorsTuple, Modal } from '@mantine/core';

const teal: MantineColorsTuple = [
  '#effcf9',
  '#cff5ee',
  '#9ee9dd',
  '#62d6c7',
  '#2fbfae',
  '#15a394',
  '#0c8579',
  '#0f766e',
  '#10574f',
  '#0d3f3a',
];

// Greys with a little blue, as the rest of the dark scheme has.
const dark: MantineColorsTuple = [
  '#e6ebf1',
  '#c9d1da',
  '#a3afbd',
  '#7d8a99',
  '#43505d',
  '#2c3641',
  '#202932',
  '#181f27',
  '#10151b',
  '#0b0f14',
];

export const theme = createTheme({
  primaryColor: 'brand',
  primaryShade: { light: 7, dark: 7 },
  colors: { brand: teal, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '650' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // Colour alone does not make a link.
    Anchor: Anchor.extend({ defaultProps: { underline: 'always' } }),
    Modal: Modal.extend({
      defaultProps: { closeButtonProps: { 'aria-label': 'Close' } },
      styles: {
        content: { background: 'var(--bt-card)' },
        header: { background: 'var(--bt-card)' },
        title: { fontWeight: 650, fontSize: '1.125rem' },
      },
    }),
  },
});

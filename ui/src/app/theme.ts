// The look: calm greys with a blue cast, one teal accent, small type, square enough to be dense.
import { createTheme, type MantineColorsTuple } from '@mantine/core';

const accent: MantineColorsTuple = [
  '#e6fcf8',
  '#c9f5ec',
  '#97eadb',
  '#5fdcc7',
  '#2fc9b3',
  '#14b8a6',
  '#0d9488',
  '#0f766e',
  '#115e59',
  '#134e4a',
];

const dark: MantineColorsTuple = [
  '#dbe3ee',
  '#b4c0d0',
  '#93a1b4',
  '#66748a',
  '#36435a',
  '#263145',
  '#1a2333',
  '#121a27',
  '#0d131d',
  '#090d14',
];

export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 7 },
  colors: { accent, dark },
  fontFamily:
    '"Inter Variable", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", system-ui, -apple-system, "Segoe UI", sans-serif',
  fontFamilyMonospace:
    '"JetBrains Mono Variable", ui-monospace, "SF Mono", Consolas, "Noto Sans Mono CJK SC", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  defaultRadius: 'sm',
  radius: { sm: '5px', md: '8px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
});

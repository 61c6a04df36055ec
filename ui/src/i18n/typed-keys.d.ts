// Lets the compiler refuse a key that the English strings do not have.
import 'i18next';
import type strings from './en/index.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof strings };
  }
}

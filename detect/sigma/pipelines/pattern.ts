// Regular expressions of pipelines, written for Python: translated, and refused when they could stall.
import { z } from 'zod';
import { checkRegex } from '../safe-regex.ts';

/** A text that becomes a RegExp to be searched, flag `g`. */
export const Pattern = z.string().transform((written, context): RegExp => {
  const checked = checkRegex(written, '');
  if ('refused' in checked) {
    context.addIssue({ code: 'custom', message: checked.refused });
    return z.NEVER;
  }
  return new RegExp(checked.pattern, `g${checked.flags}`);
});

/** Python's `re.match`: the match at the very beginning, or undefined. */
export function matchStart(pattern: RegExp, text: string): RegExpExecArray | undefined {
  const sticky = new RegExp(pattern.source, `y${pattern.flags.replaceAll(/[gy]/g, '')}`);
  return sticky.exec(text) ?? undefined;
}

/** A replacement as Python writes it (`\1`, `\g<name>`) for String.replace. */
export function toReplacement(written: string): string {
  return written
    .replaceAll('$', '$$$$')
    .replaceAll(/\\g<(\w+)>|\\(\d)|\\\\/g, (whole, name?: string, digit?: string) =>
      digit
        ? `$${digit}`
        : name === undefined
          ? whole.slice(1)
          : /^\d+$/.test(name)
            ? `$${name}`
            : `$<${name}>`,
    );
}

// The transformation `replace_string`: a pattern over a Sigma text, wildcards seen or left out.
import { joinText, markPlaceholders, parseSigmaText, type SigmaText, type TextPart } from '../sigma-text.ts';
import { toReplacement } from './pattern.ts';
import type { Transformation } from './transformations.ts';

/** Stand for literal `*` and `?` while a pattern sees wildcards as the bare characters. */
const LITERAL = { '*': '\ue000', '?': '\ue001' } as const;

export function replaceString(
  text: SigmaText,
  options: Extract<Transformation, { type: 'replace_string' }>,
): SigmaText {
  const replacement = toReplacement(options.replacement);
  if (options.skip_special) {
    return joinText(
      text.flatMap((part) => {
        if (typeof part !== 'string') return [part];
        const replaced = part.replace(options.regex, replacement);
        return options.interpret_special ? [...parseSigmaText(replaced)] : [replaced];
      }),
    );
  }
  const seen = text
    .map((part) =>
      typeof part === 'string'
        ? part.replaceAll('*', LITERAL['*']).replaceAll('?', LITERAL['?'])
        : 'wild' in part
          ? part.wild
          : `%${part.placeholder}%`,
    )
    .join('');
  const replaced = seen.replace(
    options.regex,
    replacement.replaceAll(/\\([*?])/g, (_, wild: '*' | '?') => LITERAL[wild]),
  );
  const parts = replaced
    .split(/([*?])/)
    .map(
      (piece, at): TextPart =>
        at % 2 === 1
          ? { wild: piece as '*' | '?' }
          : piece.replaceAll(LITERAL['*'], '*').replaceAll(LITERAL['?'], '?'),
    );
  const joined = joinText(parts);
  const hadPlaceholder = text.some((part) => typeof part === 'object' && 'placeholder' in part);
  return hadPlaceholder ? markPlaceholders(joined) : joined;
}

// Sigma strings: literal text, wildcards and placeholders, with the escapes of the Sigma specification (2.1, Wildcards and Escaping).
import type { StringMode } from '../../platform/core/expression/expression.ts';

export type TextPart = string | { readonly wild: '*' | '?' } | { readonly placeholder: string };

/** Never two literal parts next to each other, never an empty one. */
export type SigmaText = readonly TextPart[];

const RUN: TextPart = { wild: '*' };

/**
 * `*` and `?` are wildcards; `\*`, `\?` are the characters; `\\` is one backslash when a wildcard (or an
 * escape) follows, else `\\` is read as one backslash too (Sigma: "a lone backslash is itself").
 */
export function parseSigmaText(text: string): SigmaText {
  const parts: TextPart[] = [];
  let literal = '';
  const flush = (): void => {
    if (literal !== '') parts.push(literal);
    literal = '';
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    const next = text[at + 1];
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      literal += next;
      at++;
    } else if (character === '*' || character === '?') {
      flush();
      parts.push({ wild: character });
    } else literal += character;
  }
  flush();
  return parts;
}

/** The text of a value without wildcards or placeholders; undefined when it has any. */
export function plainText(text: SigmaText): string | undefined {
  if (text.length === 0) return '';
  return text.length === 1 && typeof text[0] === 'string' ? text[0] : undefined;
}

/** Joins parts, merging literal neighbours. */
export function joinText(...texts: readonly SigmaText[]): SigmaText {
  const joined: TextPart[] = [];
  for (const part of texts.flat()) {
    const last = joined.at(-1);
    if (part === '') continue;
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else joined.push(part);
  }
  return joined;
}

function isRun(part: TextPart | undefined): boolean {
  return typeof part === 'object' && 'wild' in part && part.wild === '*';
}

/** contains, startswith, endswith: a `*` at the open ends, not doubled. */
export function openText(text: SigmaText, ends: { before: boolean; after: boolean }): SigmaText {
  return [
    ...(ends.before && !isRun(text[0]) ? [RUN] : []),
    ...text,
    ...(ends.after && !isRun(text.at(-1)) ? [RUN] : []),
  ];
}

/** Names of the placeholders still in a text. */
export function placeholdersOf(text: SigmaText): string[] {
  return text.flatMap((part) =>
    typeof part === 'object' && 'placeholder' in part ? [part.placeholder] : [],
  );
}

/** `%name%` becomes a placeholder (modifier expand); a name is anything but `%` and backslashes, e.g. `%DC-MACHINE-NAME%`. */
export function markPlaceholders(text: SigmaText): SigmaText {
  return joinText(
    text.flatMap((part): TextPart[] => {
      if (typeof part !== 'string') return [part];
      return part
        .split(/(?<!\\)%([^%\\]+)%/)
        .map((piece, at) => (at % 2 === 1 ? { placeholder: piece } : piece.replaceAll('\\%', '%')));
    }),
  );
}

/** The text as pySigma prints it and as the patterns of pipelines see it: wildcards bare, literal `*` and `?` escaped. */
export function toPlain(text: SigmaText): string {
  return text
    .map((part) =>
      typeof part === 'string'
        ? part.replaceAll(/[*?]/g, '\\$&')
        : 'wild' in part
          ? part.wild
          : `%${part.placeholder}%`,
    )
    .join('');
}

export function textsEqual(one: SigmaText, other: SigmaText): boolean {
  return (
    one.length === other.length && one.every((part, at) => JSON.stringify(part) === JSON.stringify(other[at]))
  );
}

/** The same text as the leaf tests of an Expression take it; `everything` for what only asks for presence (`*`). */
export function toStringTest(
  text: SigmaText,
): { kind: 'everything' } | { kind: 'string'; mode: StringMode; value: string } {
  const plain = plainText(text);
  if (plain !== undefined) return { kind: 'string', mode: 'equals', value: plain };
  if (text.every(isRun)) return { kind: 'everything' };
  const inner = text.filter((part) => !isRun(part));
  const before = isRun(text[0]);
  const after = isRun(text.at(-1));
  const [only] = inner;
  const sides = (before ? 1 : 0) + (after ? 1 : 0);
  if (inner.length === 1 && typeof only === 'string' && text.length === 1 + sides) {
    const mode = before && after ? 'contains' : before ? 'endswith' : 'startswith';
    return { kind: 'string', mode, value: only };
  }
  return { kind: 'string', mode: 'wildcard', value: text.map(writePart).join('') };
}

function writePart(part: TextPart): string {
  if (typeof part === 'string') return part.replace(/[\\*?]/g, '\\$&');
  return 'wild' in part ? part.wild : `%${part.placeholder}%`;
}

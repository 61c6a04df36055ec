// Cuts a KQL text into tokens with their columns.
import { PicketError } from '../errors.ts';

/** The marks of KQL's grammar: parentheses, nested braces, the field's colon and the range operators. */
const MARKS = ['(', ')', '{', '}', ':', '<=', '>=', '<', '>'] as const;
export type Mark = (typeof MARKS)[number];

export type KqlToken =
  | { readonly kind: 'mark'; readonly mark: Mark; readonly column: number }
  | {
      readonly kind: 'literal';
      readonly column: number;
      readonly quoted: boolean;
      /** Escapes resolved. */
      readonly text: string;
      /** With wildcards: the pattern in Expression's spelling (`\*`, `\?`, `\\` escape). */
      readonly pattern?: string;
      /** Unquoted and unescaped `and`, `or`, `not`. */
      readonly keyword?: 'and' | 'or' | 'not';
    }
  | { readonly kind: 'end'; readonly column: number };

/** A fault of the query; `column` counts from 1. */
export function kqlError(message: string, column: number): PicketError {
  return new PicketError({ code: 'KQL_SYNTAX', message: `${message} (column ${column})`, place: { column } });
}

const WHITE_SPACE = /\s/;
const ESCAPED_CONTROL: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' };

/** All tokens, `end` last. @throws PicketError KQL_SYNTAX */
export function tokeniseKql(text: string): KqlToken[] {
  const tokens: KqlToken[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at] as string;
    if (WHITE_SPACE.test(character)) {
      at++;
      continue;
    }
    const mark = MARKS.find((candidate) => text.startsWith(candidate, at));
    if (mark !== undefined) {
      tokens.push({ kind: 'mark', mark, column: at + 1 });
      at += mark.length;
      continue;
    }
    const { token, end } = character === '"' ? readQuoted(text, at) : readUnquoted(text, at);
    tokens.push(token);
    at = end;
  }
  tokens.push({ kind: 'end', column: text.length + 1 });
  return tokens;
}

/** In quotes a backslash stands for itself but before `"`, `\`, `t`, `r`, `n` and `u` with four hex digits; `*` is plain. */
function readQuoted(source: string, start: number): { token: KqlToken; end: number } {
  let text = '';
  for (let at = start + 1; at < source.length; at++) {
    const character = source[at] as string;
    if (character === '"') {
      return { token: { kind: 'literal', column: start + 1, quoted: true, text }, end: at + 1 };
    }
    const escape = character === '\\' ? readEscape(source, at, '"\\') : undefined;
    if (escape) {
      text += escape.text;
      at = escape.end - 1;
    } else text += character;
  }
  throw kqlError('a quotation mark is never closed', start + 1);
}

/** Outside quotes a special character or keyword is meant literally after a backslash; `*` is any run. */
function readUnquoted(source: string, start: number): { token: KqlToken; end: number } {
  let text = '';
  let pattern = '';
  let wild = false;
  let escaped = false;
  let at = start;
  while (at < source.length) {
    const character = source[at] as string;
    if (WHITE_SPACE.test(character) || '():<>"{}'.includes(character)) break;
    if (character === '*') {
      wild = true;
      text += '*';
      pattern += '*';
      at++;
      continue;
    }
    let literal = character;
    let end = at + 1;
    if (character === '\\') {
      const escape = readEscape(source, at, '\\():<>"*{}') ?? readEscapedKeyword(source, at);
      if (!escape) throw kqlError('a backslash must be doubled, or the value put in quotes', at + 1);
      escaped = true;
      literal = escape.text;
      end = escape.end;
    }
    text += literal;
    pattern += literal.replace(/[*?\\]/g, (special) => `\\${special}`);
    at = end;
  }
  const lower = text.toLowerCase();
  const keyword = !escaped && (lower === 'and' || lower === 'or' || lower === 'not') ? lower : undefined;
  return {
    token: {
      kind: 'literal',
      column: start + 1,
      quoted: false,
      text,
      ...(wild ? { pattern } : {}),
      ...(keyword ? { keyword } : {}),
    },
    end: at,
  };
}

function readEscape(source: string, at: number, specials: string): { text: string; end: number } | undefined {
  const next = source[at + 1];
  if (next === undefined) return undefined;
  if (specials.includes(next)) return { text: next, end: at + 2 };
  const control = ESCAPED_CONTROL[next];
  if (control !== undefined) return { text: control, end: at + 2 };
  const unicode = /^u([0-9a-fA-F]{4})/.exec(source.slice(at + 1, at + 6));
  if (unicode) return { text: String.fromCharCode(Number.parseInt(unicode[1] as string, 16)), end: at + 6 };
  return undefined;
}

function readEscapedKeyword(source: string, at: number): { text: string; end: number } | undefined {
  const keyword = /^(?:and|or|not)/i.exec(source.slice(at + 1, at + 4));
  return keyword ? { text: keyword[0], end: at + 1 + keyword[0].length } : undefined;
}

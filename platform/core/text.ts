// The one tokeniser of text search, so that every engine finds the same words (vectors in test/platform/core).

/** Longest token kept; longer runs (base64, hex) are cut here so that an index stays bounded. */
export const MAX_TOKEN_LENGTH = 64;

const RUN = /[\p{L}\p{M}\p{N}_]+/gu;
/** The same for text of ASCII alone, where NFKC changes nothing: several times faster, and nearly all logs are. */
const ASCII_RUN = /[a-z0-9_]+/g;
const NOT_ASCII = /\P{ASCII}/u;

const IDEOGRAPH = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai}/u;

/**
 * A text as comparisons without case see it: lower case, each letter by itself. JavaScript alone makes `Σ` a `ς`
 * at the end of a word and a `σ` elsewhere, so that `ΑΣΒ` would not contain `ΑΣ`; here all three are `σ`.
 */
export function foldCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.includes('ς') ? lower.replaceAll('ς', 'σ') : lower;
}

/**
 * Words of a text: NFKC, lower case, runs of letters, marks, digits and underscore; each ideograph is a
 * word of its own, since those scripts put no space between words.
 */
export function tokenise(text: string): string[] {
  const tokens: string[] = [];
  if (!NOT_ASCII.test(text)) {
    for (const [run] of text.toLowerCase().matchAll(ASCII_RUN)) tokens.push(run.slice(0, MAX_TOKEN_LENGTH));
    return tokens;
  }
  for (const [run] of text.normalize('NFKC').toLowerCase().matchAll(RUN)) {
    if (!IDEOGRAPH.test(run)) {
      tokens.push(run.slice(0, MAX_TOKEN_LENGTH));
      continue;
    }
    let word = '';
    for (const character of run) {
      if (IDEOGRAPH.test(character)) {
        if (word) tokens.push(word.slice(0, MAX_TOKEN_LENGTH));
        tokens.push(character);
        word = '';
      } else word += character;
    }
    if (word) tokens.push(word.slice(0, MAX_TOKEN_LENGTH));
  }
  return tokens;
}

/** True when the tokens of `phrase` occur in `text` next to one another and in order; an empty phrase is in nothing. */
export function containsPhrase(text: string, phrase: readonly string[]): boolean {
  if (phrase.length === 0) return false;
  const tokens = tokenise(text);
  for (let start = 0; start + phrase.length <= tokens.length; start++) {
    if (phrase.every((token, offset) => tokens[start + offset] === token)) return true;
  }
  return false;
}

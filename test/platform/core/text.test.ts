// The tokeniser's vectors: every engine must find the same words.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containsPhrase, foldCase, MAX_TOKEN_LENGTH, tokenise } from '../../../platform/core/text.ts';

describe('foldCase', () => {
  it('folds a part of a text as it folds the whole', () => {
    const unit = fc.constantFrom('Σ', 'σ', 'ς', 'A', 'b', '.', ' ', 'İ', 'ß', '\u212a', '\u0307');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 8 }), fc.string({ unit, maxLength: 8 }), (a, b) => {
        expect(foldCase(a + b)).toBe(foldCase(a) + foldCase(b));
      }),
    );
  });
});

describe('tokenise', () => {
  it.each([
    ['', []],
    ['Process Create: C:\\Windows\\cmd.exe', ['process', 'create', 'c', 'windows', 'cmd', 'exe']],
    ['snake_case-kebab', ['snake_case', 'kebab']],
    ['10.1.2.3:443', ['10', '1', '2', '3', '443']],
    ['登录失败 user=root', ['登', '录', '失', '败', 'user', 'root']],
    ['abc登def', ['abc', '登', 'def']],
    ['ｆｕｌｌ ﬁle', ['full', 'file']],
    ['cafe\u0301 CAFÉ', ['café', 'café']],
    ['İ', ['i\u0307']],
    ['\u0000a\u0000', ['a']],
    ['\ud800x', ['x']],
  ])('cuts %j', (text, tokens) => {
    expect(tokenise(text)).toEqual(tokens);
  });

  it('cuts long runs at the limit', () => {
    expect(tokenise('x'.repeat(200))).toEqual(['x'.repeat(MAX_TOKEN_LENGTH)]);
  });

  it('gives for ASCII what it gives beside other letters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 40 }), (text) => {
        expect([...tokenise(text), 'é']).toEqual(tokenise(`${text} é`));
      }),
    );
  });

  it('gives its own tokens back when they are joined by spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const tokens = tokenise(text).filter((token) => token.length < MAX_TOKEN_LENGTH);
        // Lower-casing and NFKC do not always settle in one pass (U+1E9B and friends): the second pass is stable.
        const again = tokenise(tokens.join(' '));
        expect(tokenise(again.join(' '))).toEqual(again);
      }),
    );
  });
});

describe('containsPhrase', () => {
  it('wants the words next to one another and in order', () => {
    expect(containsPhrase('the quick brown fox', ['quick', 'brown'])).toBe(true);
    expect(containsPhrase('the quick brown fox', ['brown', 'quick'])).toBe(false);
    expect(containsPhrase('the quick brown fox', ['quick', 'fox'])).toBe(false);
    expect(containsPhrase('a a b', ['a', 'b'])).toBe(true);
    expect(containsPhrase('anything', [])).toBe(false);
  });
});

// Hostile strings: what hides or reorders text becomes visible, everything else stays as it is.
import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeVisible, splitVisible } from '../../ui/src/elements/split-visible.ts';

describe('text from records', () => {
  test('direction overrides, zero-width characters and controls are named', () => {
    expect(makeVisible('invoice\u202Efdp.exe')).toBe('invoice⟨U+202E⟩fdp.exe');
    expect(makeVisible('a\u200Bb\u0000c\u001B[31m')).toBe('a⟨U+200B⟩b⟨U+0000⟩c⟨U+001B⟩[31m');
    expect(makeVisible('x\u{E0041}')).toBe('x⟨U+E0041⟩');
    expect(makeVisible('\uD800')).toBe('⟨U+D800⟩');
  });

  test('ordinary text in any script is left alone', () => {
    for (const text of ['工厂-上海 🏭', 'Zürich\tцех\nمصنع', '<script>alert(1)</script>'])
      expect(splitVisible(text)).toEqual([{ text, hidden: false }]);
  });

  test('nothing is lost: the visible parts are the string without its hidden characters', () => {
    assert(
      property(string({ unit: 'binary' }), (text) => {
        const parts = splitVisible(text);
        const shown = parts
          .filter(({ hidden }) => !hidden)
          .map(({ text: part }) => part)
          .join('');
        const hidden = parts.filter((part) => part.hidden).length;
        expect(Array.from(shown).length + hidden).toBe(Array.from(text).length);
        expect(splitVisible(shown).every((part) => !part.hidden)).toBe(true);
      }),
    );
  });
});

// Splits a string into what shows by itself and what would hide or reorder text (controls, bidi, zero width, tags).

/** First and last code points: controls but tab and line feed, direction marks, zero-width, tags, lone surrogates. */
const HIDDEN: readonly (readonly [number, number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f],
];

export interface VisiblePart {
  readonly text: string;
  /** True where `text` names a character (`U+202E`) instead of being it. */
  readonly hidden: boolean;
}

export function splitVisible(value: string): VisiblePart[] {
  const parts: VisiblePart[] = [];
  let plain = '';
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0;
    if (!HIDDEN.some(([first, last]) => code >= first && code <= last)) {
      plain += character;
      continue;
    }
    if (plain !== '') parts.push({ text: plain, hidden: false });
    plain = '';
    parts.push({ text: `U+${code.toString(16).toUpperCase().padStart(4, '0')}`, hidden: true });
  }
  if (plain !== '') parts.push({ text: plain, hidden: false });
  return parts;
}

/** The same as one string, for attributes and titles. */
export function makeVisible(value: string): string {
  return splitVisible(value)
    .map(({ text, hidden }) => (hidden ? `⟨${text}⟩` : text))
    .join('');
}

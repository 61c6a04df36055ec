// Queries of Elasticsearch: the characters that may stand for others are all of Unicode's.
import { expect, test } from 'vitest';
import { STANDS_FOR_ASCII } from '../../../../platform/index/elasticsearch/compile-query.ts';

test('every character beyond ASCII whose compatibility form has a letter or digit of ASCII is in the ranges', () => {
  const ranges = new RegExp(`[${STANDS_FOR_ASCII}]`, 'u');
  const missed: string[] = [];
  for (let point = 0x80; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const character = String.fromCodePoint(point);
    if (/[a-z0-9_]/.test(character.normalize('NFKC').toLowerCase()) && !ranges.test(character))
      missed.push(point.toString(16));
  }
  expect(missed).toEqual([]);
  // Elasticsearch bounds a pattern at 1,000 characters; a word has 64 at most.
  expect(STANDS_FOR_ASCII.length).toBeLessThan(900);
});

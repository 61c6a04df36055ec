// Writes pieces of keywords into the scanner's memory, to be looked for in a line without regard to case.
import * as at from './layout.ts';
import type { ScanMemory } from './memory.ts';
import { chain, FOLD, type Placed, writeGrams, writePattern } from './write-matcher.ts';

/** Pieces so long have a gram on every fourth place, wherever they stand. */
const LONG_PIECE = 7;

/**
 * Pieces of keywords (three characters at least), each with the units that it may make true.
 * @returns the matcher's and the patterns' addresses
 */
export function writeKeywords(options: {
  memory: ScanMemory;
  pieces: ReadonlyMap<string, readonly number[]>;
  eager: Uint8Array;
}): { matcher: number; patterns: number[] } {
  const { memory, eager } = options;
  const texts = [...options.pieces.keys()];
  const place = (text: string): Placed => {
    const pattern = { kind: at.KIND_CONTAINS, text, units: [...(options.pieces.get(text) ?? [])] };
    return { pattern, place: writePattern(memory, pattern, eager) };
  };
  const isLongPiece = (text: string): boolean => text.length >= LONG_PIECE;
  const long = texts.filter(isLongPiece).flatMap((text) => Array.from({ length: 4 }, () => place(text)));
  const short = texts.filter((text) => !isLongPiece(text)).map(place);
  const placed = [...long, ...short];
  const matcher = memory.allocate(at.MATCHER_BYTES);
  memory.store(matcher + at.MATCHER_STRIDE, 4);
  writeGrams({ memory, matcher, long, stride: 4, mask: FOLD });
  writeNibbles(memory, matcher, short);
  return { matcher, patterns: placed.map(({ place }) => place) };
}

/** Files short pieces by their first three bytes, and writes for each of those the nibbles of each of eight buckets. */
function writeNibbles(memory: ScanMemory, matcher: number, short: readonly Placed[]): void {
  if (short.length === 0) return;
  const masks = memory.allocate(96);
  const heads = memory.allocate(4 * 1_024);
  memory.store(matcher + at.MATCHER_NIBBLES, masks);
  memory.store(matcher + at.MATCHER_NIBBLE_HEADS, heads);
  // Neighbours in the alphabet share nibbles: together in a bucket they let fewer other texts through.
  const sorted = [...short].sort((a, b) => (a.pattern.text < b.pattern.text ? -1 : 1));
  sorted.forEach((placed, index) => {
    const bucket = 1 << Math.floor((index * 8) / sorted.length);
    let gram = 0;
    for (let at = 0; at < 3; at++) {
      const byte = placed.pattern.text.charCodeAt(at) | 0x20;
      gram |= byte << (8 * at);
      const low = masks + 32 * at + (byte & 15);
      const high = masks + 32 * at + 16 + (byte >> 4);
      memory.bytes[low] = (memory.bytes[low] as number) | bucket;
      memory.bytes[high] = (memory.bytes[high] as number) | bucket;
    }
    chain(memory, heads + 4 * (Math.imul(gram, at.GOLDEN) >>> 22), [placed]);
  });
}

// Writes the keys under each field into the scanner's memory, and those with dots that events turn out to have.
import type { FieldTrie } from '../field-trie.ts';
import * as at from './layout.ts';
import type { ScanMemory } from './memory.ts';
import { type HashBytes, powerOfTwo } from './write-matcher.ts';

/** Keys written with dots that are remembered; hostile streams make no more. */
export const MAX_LEARNED = 64;
const LEARNED_BYTES = 16_384;

export interface Key {
  readonly key: string;
  readonly node: number;
}

/** An open-addressed table of keys, at most half full with the spare ones. */
export function writeKeys(options: {
  memory: ScanMemory;
  hash: HashBytes;
  place: number;
  below: readonly Key[];
  spare: number;
}): void {
  const { memory, hash, place, below, spare } = options;
  const size = 2 ** powerOfTwo((below.length + spare) * 2, 2, 20);
  const table = memory.allocate(size * at.KEY_BYTES);
  for (let slot = 0; slot < size; slot++) memory.store(table + slot * at.KEY_BYTES + at.KEY_LENGTH, -1);
  memory.store(place + at.NODE_KEYS, table);
  memory.store(place + at.NODE_KEYS_MASK, size - 1);
  for (const { key, node } of below) {
    const bytes = Buffer.from(key, 'utf8').toString('latin1');
    putKey({ memory, hash, place, text: memory.write(bytes), length: bytes.length, node });
  }
}

function putKey(options: {
  memory: ScanMemory;
  hash: HashBytes;
  place: number;
  text: number;
  length: number;
  node: number;
}): void {
  const { memory, place, text, length, node } = options;
  const table = memory.load(place + at.NODE_KEYS);
  const mask = memory.load(place + at.NODE_KEYS_MASK);
  const hash = options.hash(text, length);
  let slot = hash & mask;
  while (memory.load(table + slot * at.KEY_BYTES + at.KEY_LENGTH) >= 0) slot = (slot + 1) & mask;
  const entry = table + slot * at.KEY_BYTES;
  memory.store(entry + at.KEY_HASH, hash);
  memory.store(entry + at.KEY_LENGTH, length);
  memory.store(entry + at.KEY_TEXT, text);
  memory.store(entry + at.KEY_NODE, node);
}

/** Remembers where keys with dots lead, as long as there is room; those left out go to JSON.parse each time. */
export function learnKeys(options: {
  memory: ScanMemory;
  hash: HashBytes;
  fields: FieldTrie;
  nodes: readonly number[];
}): (key: { node: number; start: number; length: number }) => void {
  const { memory, hash, fields, nodes } = options;
  const counts = new Map<number, number>();
  const first = memory.allocate(LEARNED_BYTES);
  let room = first;
  return ({ node, start, length }) => {
    const count = counts.get(node) ?? 0;
    if (count >= MAX_LEARNED || room + length + 8 > first + LEARNED_BYTES) return;
    counts.set(node, count + 1);
    memory.bytes.copyWithin(room, start, start + length);
    const key = Buffer.from(memory.bytes.subarray(room, room + length)).toString('utf8');
    let found: FieldTrie['root'] | undefined = fields.nodes[node];
    for (const part of key.split('.')) found = found?.children.get(part);
    putKey({
      memory,
      hash,
      place: nodes[node] as number,
      text: room,
      length,
      node: found === undefined ? 0 : (nodes[found.id] as number),
    });
    room += length;
  };
}

/** Forgets in which objects a field's keys were met. */
export function clearKeys(memory: ScanMemory, node: number): void {
  const table = memory.load(node + at.NODE_KEYS);
  if (table === 0) return;
  const size = memory.load(node + at.NODE_KEYS_MASK) + 1;
  for (let slot = 0; slot < size; slot++) memory.store(table + slot * at.KEY_BYTES + at.KEY_SEEN, 0);
}

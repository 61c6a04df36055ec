// The scanner of JSON lines: loads lines into WebAssembly memory and tells which units their values make true.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldTrie, UnitTest } from '../field-trie.ts';
import { keywordPiece } from './keyword-pieces.ts';
import * as at from './layout.ts';
import { ScanMemory } from './memory.ts';
import { clearKeys, learnKeys, MAX_LEARNED, writeKeys } from './write-keys.ts';
import { writeKeywords } from './write-keywords.ts';
import { writeMatcher, writeUnits } from './write-matcher.ts';

/** The most that is loaded at once; a longer line is left to JSON.parse. */
export const MAX_LOADED = 524_288;

/** How a scan ended: all is told; the line is for JSON.parse to judge; there is nothing in it. */
export type ScanOutcome = 'told' | 'unsure' | 'empty';

/** A value that the scanner leaves: the field's id in the trie, and where its JSON text lies in the loaded bytes. */
export interface LeftValue {
  readonly field: number;
  readonly start: number;
  readonly end: number;
}

interface ScanExports {
  readonly hashBytes: (start: number, length: number) => number;
  readonly restart: (first: number) => void;
  readonly scan: (start: number, limit: number) => number;
  readonly scanEverything: (node: number, start: number) => number;
  readonly findKeywords: (matcher: number, start: number, end: number) => number;
  readonly remember: (node: number, start: number, end: number, units: number, size: number) => void;
}

/** Shorter pieces stand in too many values. */
const SELECTIVE_PIECE = 5;
const MOST_PIECES = 64;
const NEWLINE = 0x0a;
const FIRST_FREE = 4_096;

const module = new WebAssembly.Module(readFileSync(join(import.meta.dirname, 'scan-line.wasm')));

export class LineScanner {
  readonly #memory: ScanMemory;
  readonly #module: ScanExports;
  readonly #eager: Uint8Array;
  readonly #control: number;
  readonly #input: number;
  readonly #results: number;
  readonly #left: number;
  readonly #said: number;
  readonly #signals: number;
  readonly #stamped: {
    nodes: number[];
    patterns: number[];
    units: number;
    unitCount: number;
    keys: number;
  };
  /** The node of `*`, 0 for none. */
  readonly #everything: number;
  readonly #keywordTables = new Map<string, number>();
  #loaded = 0;
  #learn: (key: { node: number; start: number; length: number }) => void;

  /**
   * `fields` with what is asked of them; `eager` marks units that bring a rule to be looked at; `signals` are the
   * fields (by dotted path) whose values are told as ids; an event with one of the top-level keys `unsure` is left
   * to JSON.parse. Signals and those keys are among `fields`. Stamps rise from `firstStamp`, given only to see what happens when they run out.
   */
  constructor(options: {
    fields: FieldTrie;
    unitCount: number;
    eager: Uint8Array;
    signals: readonly (readonly string[])[];
    unsure: readonly string[];
    firstStamp?: number;
  }) {
    const { fields, unitCount, eager, signals } = options;
    const memory = new ScanMemory(FIRST_FREE);
    const instance = new WebAssembly.Instance(module, {
      env: {
        memory: memory.memory,
        abort: () => {
          throw new Error('the line scanner stopped');
        },
      },
    });
    const exported = instance.exports as unknown as ScanExports;
    const { hashBytes } = exported;
    const patterns: number[] = [];
    const nodes = fields.nodes.map(() => memory.allocate(at.NODE_BYTES));
    fields.nodes.forEach((node, id) => {
      const place = nodes[id] as number;
      memory.store(place + at.NODE_ID, id);
      const written = writeMatcher({ memory, hash: hashBytes, tests: node.tests, eager });
      for (const pattern of written.patterns) patterns.push(pattern);
      memory.store(place + at.NODE_MATCHER, written.matcher);
      const pieces = piecesOf(node.tests);
      if (written.matcher !== 0 && pieces) {
        const table = writeKeywords({ memory, pieces, eager });
        for (const pattern of table.patterns) patterns.push(pattern);
        memory.store(place + at.NODE_PIECES, table.matcher);
      }
      const exists = node.existsUnits;
      if (exists.length > 0) memory.store(place + at.NODE_EXISTS, writeUnits(memory, exists, eager));
      const below = [...node.children].map(([key, child]) => ({ key, node: nodes[child.id] as number }));
      const deep = [...node.children.values()].some(({ children }) => children.size > 0);
      if (deep) memory.store(place + at.NODE_FLAGS, 2);
      if (below.length > 0)
        writeKeys({ memory, hash: hashBytes, place, below, spare: deep ? MAX_LEARNED : 0 });
    });
    const mark = (node: FieldTrie['root'], flag: number): void => {
      const place = (nodes[node.id] as number) + at.NODE_FLAGS;
      memory.store(place, memory.load(place) | flag);
    };
    for (const key of options.unsure) {
      const node = fields.root.children.get(key);
      if (node) mark(node, 1);
    }
    signals.forEach((path, index) => {
      let node: FieldTrie['root'] | undefined = fields.root;
      for (const key of path) node = node?.children.get(key);
      if (!node) return;
      memory.store((nodes[node.id] as number) + at.NODE_SIGNAL, index + 1);
      if (path.length > 1) mark(node, 4);
    });
    const root = nodes[fields.root.id] as number;
    const set = (word: number, value: number): void => memory.store(at.CONTROL + 4 * word, value);
    const area = (word: number, size: number): number => {
      const place = memory.allocate(size);
      set(word, place);
      return place;
    };
    set(at.ROOT, root);
    this.#results = area(at.RESULTS, 4 * at.MAX_RESULTS) >> 2;
    this.#left = area(at.PENDING, 12 * at.MAX_PENDING) >> 2;
    area(at.HITS, 4 * at.MAX_HITS);
    const keyStamps = area(at.KEY_STAMPS, 8 * at.KEY_STAMP_COUNT);
    this.#said = memory.allocate(8 + 4 * unitCount);
    const units = area(at.UNIT_STAMPS, 4 * unitCount);
    this.#signals = area(at.SIGNALS, 8 * ((signals.length + 3) & ~3) + 16) >> 2;
    set(at.SIGNAL_COUNT, signals.length);
    area(at.MEMO_SLOTS, 2 * at.MEMO_SLOT_COUNT);
    area(at.MEMO_ENTRIES, at.MEMO_ENTRY_BYTES * (at.MEMO_MAX_ENTRIES + 2));
    area(at.MEMO_BYTES, at.MEMO_BYTES_SIZE + 64);
    area(at.MEMO_UNITS, at.MEMO_UNITS_SIZE + 64);
    area(at.EVENT_UNITS, at.EVENT_UNITS_SIZE + 64);
    area(at.SCRATCH, MAX_LOADED + 64);
    this.#input = memory.allocate(MAX_LOADED + 128);
    this.#memory = memory;
    this.#module = exported;
    this.#eager = eager;
    this.#control = at.CONTROL >> 2;
    this.#stamped = { nodes, patterns, units, unitCount, keys: keyStamps };
    this.#everything = fields.everything ? (nodes[fields.everything.id] as number) : 0;
    this.#learn = learnKeys({ memory, hash: hashBytes, fields, nodes });
    exported.restart(options.firstStamp ?? 0);
  }

  /** Words of the scanner's memory: lists of units lie here. Another array after `makeKeywordTable`. */
  get words(): Int32Array {
    return this.#memory.words;
  }

  /** Copies lines in; a line feed is put behind them. `bytes` are at most MAX_LOADED. @returns where they lie */
  load(bytes: Uint8Array): number {
    this.#memory.bytes.set(bytes, this.#input);
    this.#loaded = this.#input + bytes.length;
    this.#memory.bytes[this.#loaded] = NEWLINE;
    return this.#input;
  }

  /** Scans the line that begins at `start` of what is loaded; `end` tells where it ends. */
  scan(start: number): ScanOutcome {
    let code = this.#module.scan(start, this.#loaded);
    if (code === 3) {
      this.#clearStamps();
      code = this.#module.scan(start, this.#loaded);
    }
    if (code === 1) return 'told';
    if (code === 2) return 'empty';
    const length = this.words[this.#control + at.LEARNED_KEY_LENGTH] as number;
    if (length > 0) {
      this.#learn({
        node: this.words[this.#control + at.LEARNED_NODE] as number,
        start: this.words[this.#control + at.LEARNED_KEY] as number,
        length,
      });
    }
    return 'unsure';
  }

  /** Where the line that was scanned ends, its line feed left out; after `unsure` it is looked for. */
  endOf(start: number, outcome: ScanOutcome): number {
    if (outcome !== 'unsure') return this.words[this.#control + at.END] as number;
    const found = this.#memory.bytes.indexOf(NEWLINE, start);
    return found < 0 || found > this.#loaded ? this.#loaded : found;
  }

  /** Where loaded bytes end. */
  get loaded(): number {
    return this.#loaded;
  }

  /** How many lists of units were told, and where (in `words`) the i-th lies: counts of eager and other units, then the units. */
  get resultCount(): number {
    return this.words[this.#control + at.RESULT_COUNT] as number;
  }

  resultAt(index: number): number {
    return (this.words[this.#results + index] as number) >> 2;
  }

  /** A table of pieces of keywords for `mayHoldKeyword`, the same for the same pieces. */
  makeKeywordTable(pieces: readonly string[]): number {
    const key = [...new Set(pieces)].sort().join('\u0000');
    const known = this.#keywordTables.get(key);
    if (known !== undefined) return known;
    const table = this.#writeKeywordTable(pieces);
    this.#keywordTables.set(key, table);
    return table;
  }

  #writeKeywordTable(texts: readonly string[]): number {
    const pieces = new Map(texts.map((text) => [text, []]));
    const { matcher, patterns } = writeKeywords({ memory: this.#memory, pieces, eager: this.#eager });
    for (const pattern of patterns) this.#stamped.patterns.push(pattern);
    return matcher;
  }

  /** Whether the line that was scanned may hold one of the table's keywords. */
  mayHoldKeyword(table: number, start: number, end: number): boolean {
    return this.#module.findKeywords(table, start, end) !== 0;
  }

  /**
   * Shows every scalar of the line that was scanned to the matcher of `*`; more results and left values follow those
   * there are. False when the line must be looked at otherwise.
   */
  scanEverything(start: number): boolean {
    return this.#everything === 0 || this.#module.scanEverything(this.#everything, start) === 1;
  }

  get leftCount(): number {
    return this.words[this.#control + at.PENDING_COUNT] as number;
  }

  leftAt(index: number): LeftValue {
    const place = this.#left + index * 3;
    return {
      field: this.words[place] as number,
      start: this.words[place + 1] as number,
      end: this.words[place + 2] as number,
    };
  }

  /** Remembers which units a left value makes true, so that it need not be left again. */
  remember({ field, start, end }: LeftValue, units: readonly number[]): void {
    let at = this.#said >> 2;
    const first = at;
    at += 2;
    for (const unit of units) if (this.#eager[unit] === 1) this.words[at++] = unit;
    this.words[first] = at - first - 2;
    for (const unit of units) if (this.#eager[unit] !== 1) this.words[at++] = unit;
    this.words[first + 1] = at - first - 2 - (this.words[first] as number);
    this.#module.remember(this.#stamped.nodes[field] as number, start, end, this.#said, 4 * (at - first));
  }

  /** Where in `words` the ids of the signals' values lie, 0 for what the event does not say. Ids are new when `generation` is. */
  get signalStart(): number {
    return this.#signals;
  }

  /** Whether they are those of the line told before. */
  get sameSignals(): boolean {
    return this.words[this.#control + at.SAME_SIGNALS] === 1;
  }

  get generation(): number {
    return this.words[this.#control + at.GENERATION] as number;
  }

  /** Whether the bytes stand between two places of what is loaded, in a line in which no key is escaped. */
  holds(bytes: Buffer, start: number, end: number): boolean {
    return this.#memory.bytes.subarray(start, end).includes(bytes);
  }

  /** Loaded bytes as text, read as UTF-8. */
  textBetween(start: number, end: number): string {
    return this.#memory.bytes.toString('utf8', start, end);
  }

  #clearStamps(): void {
    const { nodes, patterns, units, unitCount, keys } = this.#stamped;
    for (const node of nodes) clearKeys(this.#memory, node);
    for (const pattern of patterns) this.words[(pattern + at.PATTERN_STAMP) >> 2] = 0;
    this.words.fill(0, units >> 2, (units >> 2) + unitCount);
    this.words.fill(0, keys >> 2, (keys >> 2) + 2 * at.KEY_STAMP_COUNT);
    this.#module.restart(0);
  }
}

/**
 * A piece of each of a field's patterns, where all are texts looked for anywhere and long enough that most values
 * are passed over by their pieces; undefined otherwise.
 */
function piecesOf(tests: readonly UnitTest[]): Map<string, readonly number[]> | undefined {
  const pieces = new Map<string, readonly number[]>();
  for (const { test } of tests) {
    if (test.kind === 'exists') continue;
    const piece = test.kind === 'string' && test.mode === 'contains' ? keywordPiece(test.value) : undefined;
    if (piece === undefined || piece.length < SELECTIVE_PIECE) return undefined;
    pieces.set(piece, []);
  }
  return pieces.size <= MOST_PIECES ? pieces : undefined;
}

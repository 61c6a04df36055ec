// Matches lines of JSON where they lie: the scanner tells what their values make true, objects are made only when asked.
import type { EventSource } from './compile-holds.ts';
import type { Unit } from './compile-units.ts';
import { type FieldTrie, walkEvent } from './field-trie.ts';
import type { Judging } from './judging.ts';
import { RouteCache } from './route-cache.ts';
import type { RuleGroup } from './rule-group.ts';
import { keywordPiece } from './scan/keyword-pieces.ts';
import { LineScanner, MAX_LOADED } from './scan/line-scanner.ts';

/** A line of JSON that was matched: `read` gives its event, `fault` is what reading it threw. */
export interface MatchedLine {
  /** Places of the rules that hold, rising. */
  readonly matched: readonly number[];
  readonly read: () => object;
  /** Whether these bytes (of a key with its quotes) may stand in the line; false only when the event has no such key. */
  readonly mentions: (bytes: Buffer) => boolean;
  readonly fault?: unknown;
}

const NONE: readonly number[] = [];
const BLANK = /^[ \t\r]*$/;
const NEWLINE = 0x0a;

export class LineMatcher {
  readonly #judging: Judging;
  readonly #units: readonly Unit[];
  readonly #fields: FieldTrie;
  readonly #groupOf: (event: object) => RuleGroup;
  readonly #readEvent: (text: string) => object;
  readonly #matchEvent: (event: object) => readonly number[];
  readonly #scanner: LineScanner;
  readonly #routes: RouteCache;
  /** Of the line scanned last: its group, where it lies, its event once read. */
  #group: RuleGroup | undefined;
  #start = 0;
  #end = 0;
  #event: object | undefined;
  #keywordsStamped = false;
  readonly #source: EventSource = {
    document: () => (this.#event ??= this.#readEvent(this.#scanner.textBetween(this.#start, this.#end))),
    stampKeywords: () => this.#stampKeywords(),
  };

  /** `signals` are the paths that say an event's origin; `matchEvent` judges what the scanner leaves. */
  constructor(options: {
    judging: Judging;
    units: readonly Unit[];
    fields: FieldTrie;
    signals: readonly (readonly string[])[];
    reshaped: readonly string[];
    groupOf: (event: object) => RuleGroup;
    readEvent: (text: string) => object;
    matchEvent: (event: object) => readonly number[];
  }) {
    const { judging, units, fields, signals } = options;
    this.#judging = judging;
    this.#units = units;
    this.#fields = fields;
    this.#groupOf = options.groupOf;
    this.#readEvent = options.readEvent;
    this.#matchEvent = options.matchEvent;
    const { eager } = judging;
    const unsure = options.reshaped;
    this.#scanner = new LineScanner({ fields, unitCount: units.length, eager, signals, unsure });
    this.#routes = new RouteCache(signals.length);
  }

  /** As SigmaEngine.matchLines says. */
  matchLines(bytes: Uint8Array, each: (line: MatchedLine | undefined) => void): void {
    let from = 0;
    do {
      const to = endOfBlock(bytes, from);
      const block = bytes.subarray(from, to);
      if (block.length > MAX_LOADED) each(this.#matchText(Buffer.from(block).toString('utf8')));
      else this.#matchBlock(block, each);
      from = to + 1;
    } while (from <= bytes.length);
  }

  #matchBlock(block: Uint8Array, each: (line: MatchedLine | undefined) => void): void {
    const scanner = this.#scanner;
    let start = scanner.load(block);
    const { loaded } = scanner;
    const line = {
      matched: NONE,
      read: () => this.#source.document(),
      mentions: (bytes: Buffer) => scanner.holds(bytes, this.#start, this.#end),
    };
    while (start <= loaded) {
      const outcome = scanner.scan(start);
      const end = scanner.endOf(start, outcome);
      if (outcome === 'empty') each(undefined);
      else if (outcome === 'unsure') each(this.#matchText(scanner.textBetween(start, end)));
      else {
        this.#start = start;
        this.#end = end;
        line.matched = this.#matchScanned();
        each(line);
      }
      start = end + 1;
    }
  }

  #matchText(text: string): MatchedLine | undefined {
    if (BLANK.test(text)) return undefined;
    try {
      const event = this.#readEvent(text);
      return { matched: this.#matchEvent(event), read: () => event, mentions: () => true };
    } catch (fault) {
      const read = (): never => {
        throw fault;
      };
      return { matched: NONE, read, mentions: () => true, fault };
    }
  }

  /** What the scanner told of the line it just read. */
  #matchScanned(): readonly number[] {
    const judging = this.#judging;
    const scanner = this.#scanner;
    judging.begin(this.#source);
    this.#event = undefined;
    this.#keywordsStamped = false;
    const group = this.#findGroup();
    judging.setGroup(group);
    const { words } = scanner;
    const count = scanner.resultCount;
    for (let result = 0; result < count; result++) {
      const list = scanner.resultAt(result);
      judging.stampRange(words, list + 2, list + 2 + (words[list] as number));
    }
    this.#askLeft(0);
    if (group.keywords) this.#bringKeywords(group);
    if (judging.candidateCount === 0 && group.always.length === 0) return NONE;
    if (count === 0 && scanner.leftCount === 0 && !this.#keywordsStamped) return this.#judgeNothing(group);
    this.#stampOthers(count);
    return judging.judge(group);
  }

  #findGroup(): RuleGroup {
    const scanner = this.#scanner;
    let group = scanner.sameSignals ? this.#group : undefined;
    group ??= this.#routes.find(scanner.words, scanner.signalStart, scanner.generation);
    if (group === undefined) {
      group = this.#groupOf(this.#source.document());
      this.#routes.set(group);
    }
    this.#group = group;
    return group;
  }

  /** An event in which no unit holds: what it matches is the same for all of the group, unless it was looked at. */
  #judgeNothing(group: RuleGroup): readonly number[] {
    if (group.whenNothing) return group.whenNothing;
    const unread = this.#event === undefined;
    const matched = this.#judging.judge(group);
    if (unread && this.#event === undefined && !this.#keywordsStamped) group.whenNothing = matched;
    return matched;
  }

  /** Units that bring no rule are only of interest once some rule is looked at. */
  #stampOthers(count: number): void {
    const scanner = this.#scanner;
    const { words } = scanner;
    const { epoch, unitStamps } = this.#judging.state;
    for (let result = 0; result < count; result++) {
      const list = scanner.resultAt(result);
      const first = list + 2 + (words[list] as number);
      const end = first + (words[list + 1] as number);
      for (let at = first; at < end; at++) unitStamps[words[at] as number] = epoch;
    }
  }

  /** What FieldMatcher says of the values that the scanner left, from the given one on. */
  #askLeft(from: number): void {
    const scanner = this.#scanner;
    for (let index = from; index < scanner.leftCount; index++) {
      const value = scanner.leftAt(index);
      const matcher = this.#fields.nodes[value.field]?.matcher;
      if (!matcher) continue;
      const text = String(JSON.parse(scanner.textBetween(value.start, value.end)) as string | number);
      const units = matcher.lookup(text);
      this.#judging.stamp(units);
      scanner.remember(value, units);
    }
  }

  /** Rules that a keyword would bring are brought only when a piece of one stands in the line. */
  #bringKeywords(group: RuleGroup): void {
    group.keywordTable ??= this.#makeKeywordTable(group);
    if (group.keywordTable === 0) return;
    if (this.#scanner.mayHoldKeyword(group.keywordTable, this.#start, this.#end)) this.#stampKeywords();
  }

  #makeKeywordTable({ has }: RuleGroup): number {
    const units = this.#judging.compiled.flatMap(({ index, necessary }) =>
      has[index] === 1 ? (necessary ?? []) : [],
    );
    // chooseNecessary takes only units of `*` whose tests all have a piece.
    const pieces = [...new Set(units)]
      .map((id) => this.#units[id] as Unit)
      .filter(({ field }) => field === '*')
      .flatMap(({ tests }) =>
        tests.map((test) => (test.kind === 'string' ? keywordPiece(test.value) : undefined)),
      )
      .filter((piece) => piece !== undefined);
    return pieces.length === 0 ? 0 : this.#scanner.makeKeywordTable(pieces);
  }

  #stampKeywords(): void {
    if (this.#keywordsStamped) return;
    this.#keywordsStamped = true;
    const scanner = this.#scanner;
    const told = scanner.resultCount;
    const left = scanner.leftCount;
    if (!scanner.scanEverything(this.#start)) {
      walkEvent({
        event: this.#source.document(),
        root: undefined,
        everything: this.#fields.everything?.matcher,
        told: this.#judging.stamp,
      });
      return;
    }
    const { words } = scanner;
    for (let result = told; result < scanner.resultCount; result++) {
      const list = scanner.resultAt(result);
      const end = list + 2 + (words[list] as number) + (words[list + 1] as number);
      this.#judging.stampRange(words, list + 2, end);
    }
    this.#askLeft(left);
  }
}

/** Where the block that begins at `from` ends: at a line feed, and short enough to be loaded unless it is one line. */
function endOfBlock(bytes: Uint8Array, from: number): number {
  if (bytes.length - from <= MAX_LOADED) return bytes.length;
  const last = bytes.lastIndexOf(NEWLINE, from + MAX_LOADED);
  if (last >= from) return last;
  const next = bytes.indexOf(NEWLINE, from);
  return next < 0 ? bytes.length : next;
}

// The Sigma engine: compiled once, it tells which rules an event matches, and, when asked, why.
import type { MatchReason } from '../../../platform/core/alert.ts';
import type { RuleInfo } from '../../match.ts';
import { explainRule } from '../explain.ts';
import type { LogsourceRouter } from '../logsource-routes.ts';
import type { MappedRule } from '../rule.ts';
import type { EventSource } from './compile-holds.ts';
import { compileTree, type Unit, UnitTable } from './compile-units.ts';
import { buildFieldTrie, type FieldTrie, walkEvent } from './field-trie.ts';
import { groupRules } from './group-rules.ts';
import { Judging } from './judging.ts';
import { LineMatcher, type MatchedLine } from './match-lines.ts';
import type { RuleGroup } from './rule-group.ts';

/** A rule as the engine takes it: mapped, with the info that its matches carry. */
export interface EngineRule {
  readonly mapped: MappedRule;
  readonly info: RuleInfo;
}

/** One rule × one event; an `E` of PicketEvent makes it a detect/match Match. */
export interface RuleMatch<E extends object> {
  readonly rule: RuleInfo;
  readonly event: E;
  /** Selection, field, value and condition of what held; worked out only when asked. */
  reasons(): MatchReason[];
}

/** How JSON text becomes the event whose fields the rules ask about; throws for what is none. */
export type ReadEvent = (text: string) => object;

export class SigmaEngine {
  readonly rules: readonly EngineRule[];
  readonly #units: readonly Unit[];
  readonly #fields: FieldTrie;
  readonly #judging: Judging;
  readonly #groupOf: (event: object) => RuleGroup;
  readonly #makeLines: () => LineMatcher;
  #lines: LineMatcher | undefined;

  /**
   * `readEvent` makes events of JSON text (an object as it is, by default); objects with one of the top-level keys
   * `reshaped` are not asked as they stand, but as `readEvent` makes them.
   * @throws PicketError EXPRESSION_INVALID; compileRules checks each rule first
   */
  constructor(options: {
    rules: readonly EngineRule[];
    router: LogsourceRouter;
    readEvent?: ReadEvent;
    reshaped?: readonly string[];
  }) {
    const { rules, router, readEvent = readObject, reshaped = [] } = options;
    const table = new UnitTable();
    const trees = rules.map(({ mapped }) => compileTree(mapped.expression, table));
    const signals = router.signalPaths;
    this.rules = rules;
    this.#units = table.units;
    this.#fields = buildFieldTrie(table.units, [...signals.map((path) => path.join('.')), ...reshaped]);
    this.#judging = new Judging(trees, table.units);
    this.#groupOf = groupRules({
      router,
      logsources: rules.map(({ mapped }) => mapped.logsource),
      compiled: this.#judging.compiled,
    });
    this.#makeLines = () =>
      new LineMatcher({
        judging: this.#judging,
        units: this.#units,
        fields: this.#fields,
        signals,
        reshaped,
        groupOf: this.#groupOf,
        readEvent,
        matchEvent: (event) => this.matchIndices(event),
      });
  }

  /** The rules that hold for an event, in the order they were loaded. Never throws, whatever the event holds. */
  match<E extends object>(event: E): RuleMatch<E>[] {
    const matched = this.matchIndices(event);
    return matched.length === 0 ? [] : matched.map((index) => this.describeMatch(index, event));
  }

  /**
   * The same for one event as JSON text, which is read only when it matches.
   * @throws SyntaxError, TypeError (what `readEvent` throws) for what is no event
   */
  matchJson<E extends object>(json: Uint8Array): RuleMatch<E>[] {
    const text = json.includes(NEWLINE) ? asOneLine(json) : json;
    let found: RuleMatch<E>[] = [];
    this.matchLines(text, (line) => {
      if (line === undefined) throw new SyntaxError('no JSON');
      if (line.fault !== undefined) throw line.fault;
      if (line.matched.length === 0) return;
      const event = line.read() as E;
      found = line.matched.map((index) => this.describeMatch(index, event));
    });
    return found;
  }

  /** The rule at a place in `rules` with an event that it holds for. */
  describeMatch<E extends object>(index: number, event: E): RuleMatch<E> {
    const { info, mapped } = this.rules[index] as EngineRule;
    return { rule: info, event, reasons: () => explainRule(mapped, event) };
  }

  /** Places in `rules` of the rules that hold, rising: what `match` tells without making objects. */
  matchIndices(event: object): readonly number[] {
    const judging = this.#judging;
    judging.begin(new ReadSource(event));
    const group = this.#groupOf(event);
    judging.setGroup(group);
    walkEvent({
      event,
      root: this.#fields.root,
      everything: group.keywords ? this.#fields.everything?.matcher : undefined,
      told: judging.stamp,
    });
    return judging.judge(group);
  }

  /**
   * Matches lines of JSON where they lie, without making objects of those that match nothing. `bytes` are lines with
   * line feeds between them; `each` is called for every line in order, blank ones with undefined. Neither the line
   * nor its `read` may be kept after `each` returned, and `each` must not match with the same engine.
   */
  matchLines(bytes: Uint8Array, each: (line: MatchedLine | undefined) => void): void {
    this.openLines().matchLines(bytes, each);
  }

  /** Makes what matching lines needs, so that the first of them need not wait for it. */
  openLines(): LineMatcher {
    this.#lines ??= this.#makeLines();
    return this.#lines;
  }
}

/** An event that was read before; its keywords were seen while it was walked. */
class ReadSource implements EventSource {
  readonly #event: object;

  constructor(event: object) {
    this.#event = event;
  }

  document(): object {
    return this.#event;
  }

  stampKeywords(): void {}
}

const NEWLINE = 0x0a;

/** Line feeds of JSON stand between its parts only (RFC 8259, section 7), where a blank is as good. */
function asOneLine(json: Uint8Array): Uint8Array {
  return json.map((byte) => (byte === NEWLINE ? 0x20 : byte));
}

/** @throws SyntaxError, TypeError for what is no JSON object */
export function readObject(text: string): object {
  const value: unknown = JSON.parse(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError('not a JSON object');
  }
  return value;
}

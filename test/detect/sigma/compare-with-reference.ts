// Asks the engine, each way it can be asked, and the reference about the same events, and says where they differ.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SigmaEngine } from '../../../detect/sigma/engine/engine.ts';
import { applyPipelines } from '../../../detect/sigma/pipelines/apply-pipelines.ts';
import type { Pipeline } from '../../../detect/sigma/pipelines/pipeline.ts';
import type { Logsource } from '../../../detect/sigma/rule.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import { PIPELINES_FOLDER } from './compile-text.ts';
import { type ReadableRule, ReadEvent, ruleHolds } from './reference-engine.ts';
import { ReferenceRouter } from './reference-router.ts';

/** The ways to ask an engine; each gives places in `engine.rules`. A new way needs a line here to be under every test. */
export const WAYS: readonly {
  readonly name: string;
  ask(engine: SigmaEngine, event: JsonObject): readonly number[];
}[] = [
  { name: 'matchIndices', ask: (engine, event) => engine.matchIndices(event) },
  {
    name: 'match',
    ask: (engine, event) =>
      engine.match(event).map(({ rule }) => engine.rules.findIndex(({ info }) => info === rule)),
  },
  {
    name: 'matchLines',
    ask: (engine, event) => {
      let found: readonly number[] = [];
      engine.matchLines(Buffer.from(JSON.stringify(event)), (line) => (found = line?.matched ?? []));
      return found;
    },
  },
];

export interface Comparison {
  events: number;
  /** Rules tried, over all events. */
  asked: number;
  /** (rule, event) that match by the reference. */
  pairs: number;
  /** Ids of rules that matched at least once. */
  readonly matched: Set<string>;
  /** One line for each event and way that differ. */
  readonly differences: string[];
}

/** A comparer over one engine: call it for each event; the rules are those of the engine, as `pipelines` make them. */
export class Comparer {
  readonly result: Comparison = { events: 0, asked: 0, pairs: 0, matched: new Set(), differences: [] };
  readonly #engine: SigmaEngine;
  readonly #router: ReferenceRouter;
  /** Rules of one logsource are routed together. */
  readonly #groups = new Map<string, { logsource: Logsource; rules: { at: number; rule: ReadableRule }[] }>();

  constructor(options: { engine: SigmaEngine; raw: boolean; pipelines?: readonly Pipeline[] }) {
    this.#engine = options.engine;
    this.#router = new ReferenceRouter({
      text: readFileSync(join(PIPELINES_FOLDER, 'logsources.yaml'), 'utf8'),
      raw: options.raw,
      logsources: options.engine.rules.map(({ mapped }) => mapped.logsource),
    });
    options.engine.rules.forEach(({ mapped }, at) => {
      const { selections, conditions, logsource } = applyPipelines(mapped.rule, options.pipelines ?? []);
      const key = JSON.stringify([logsource.product, logsource.category, logsource.service]);
      const group = this.#groups.get(key) ?? { logsource, rules: [] };
      this.#groups.set(key, group);
      group.rules.push({ at, rule: { selections, conditions } });
    });
  }

  /** Places of the rules that hold by the reference, rising. */
  expected(event: JsonObject): number[] {
    const read = new ReadEvent(event);
    const holding: number[] = [];
    for (const { logsource, rules } of this.#groups.values()) {
      if (!this.#router.feeds(event, logsource)) continue;
      this.result.asked += rules.length;
      for (const { at, rule } of rules) if (ruleHolds(rule, read)) holding.push(at);
    }
    return holding.sort((a, b) => a - b);
  }

  compare(event: JsonObject, name: string): void {
    const { result } = this;
    const expected = this.expected(event);
    result.events++;
    result.pairs += expected.length;
    for (const at of expected) result.matched.add(this.#idOf(at));
    for (const way of WAYS) {
      const got = way.ask(this.#engine, event);
      if (got.length === expected.length && got.every((at, place) => at === expected[place])) continue;
      const only = (these: readonly number[], those: readonly number[]): string =>
        these
          .filter((at) => !those.includes(at))
          .map((at) => this.#idOf(at))
          .join(', ') || 'none';
      result.differences.push(
        `${name} by ${way.name}: only the engine: ${only(got, expected)}; only the reference: ${only(expected, got)}`,
      );
    }
  }

  /**
   * As compare, where asking the reference about every rule would take too long: the rule at `own` both ways,
   * and the reference about each rule that the engine names. For an engine without routes.
   */
  compareOwn(event: JsonObject, own: number, name: string): void {
    const { result } = this;
    result.events++;
    const read = new ReadEvent(event);
    const got = this.#engine.matchIndices(event);
    for (const way of WAYS) {
      const same = way.ask(this.#engine, event).join();
      if (same !== got.join()) result.differences.push(`${name} by ${way.name}: ${same}, not ${got.join()}`);
    }
    for (const at of new Set([own, ...got])) {
      const rule = this.#engine.rules[at]?.mapped.rule;
      const holds = rule !== undefined && ruleHolds(rule, read);
      result.asked++;
      if (holds) {
        result.pairs++;
        result.matched.add(this.#idOf(at));
      }
      if (holds !== got.includes(at))
        result.differences.push(`${name}: only the ${holds ? 'reference' : 'engine'}: ${this.#idOf(at)}`);
    }
  }

  #idOf(at: number): string {
    return this.#engine.rules[at]?.info.id ?? `no rule ${at}`;
  }
}

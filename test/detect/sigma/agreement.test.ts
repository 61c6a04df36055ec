import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../platform/core/event.ts';
import { isRealRun } from '../../services/require-real.ts';
import { Comparer } from './compare-with-reference.ts';
import { compileText, ruleText } from './compile-text.ts';
import { chooseBySeed, chooseFrom, makeNearEvent } from './near-events.ts';
import { type RandomRule, randomRule } from './random-rules.ts';

const RUNS = isRealRun() ? 3_000 : 300;

function idOf(at: number): string {
  return `5f113a8f-8b61-41ca-b90f-${String(at).padStart(12, '0')}`;
}

/** One engine over the rules; those that are refused (base64 of a wildcard, a wide pattern) are left out. */
function compileRandom(rules: readonly RandomRule[]): ReturnType<typeof compileText> {
  const text = rules
    .map(({ detection }, at) =>
      JSON.stringify({
        title: `Random ${at}`,
        id: idOf(at),
        logsource: { product: 'anything' },
        detection,
      }),
    )
    .join('\n---\n');
  return compileText({ text });
}

/** Each difference with what the rules that it names say. */
function withRules(differences: readonly string[], rules: readonly RandomRule[]): string[] {
  return differences.map((difference) => {
    const named = rules.filter((_, at) => difference.includes(idOf(at)));
    return [difference, ...named.map(({ detection }) => JSON.stringify(detection))].join('\n');
  });
}

const rules = fc.array(randomRule, { minLength: 1, maxLength: 8 });
const choices = fc.array(fc.nat({ max: 5_039 }), { minLength: 20, maxLength: 120 });

describe('the engine and the reference', () => {
  it('agree on random rules and events that nearly match them, asked twice and in any order', {
    timeout: 600_000,
  }, () => {
    let tried = 0;
    let compiled = 0;
    let pairs = 0;
    let asked = 0;
    fc.assert(
      fc.property(rules, fc.array(choices, { minLength: 1, maxLength: 6 }), (written, lists) => {
        const { engine } = compileRandom(written);
        tried += written.length;
        compiled += engine.rules.length;
        if (engine.rules.length === 0) return;
        const comparer = new Comparer({ engine, raw: true });
        const events = lists.map((list, at) => {
          const from = engine.rules[at % engine.rules.length];
          return from ? makeNearEvent(from.mapped.rule, chooseFrom(list)) : {};
        });
        for (const event of [...events, ...events.toReversed()])
          comparer.compare(event, JSON.stringify(event));
        expect(withRules(comparer.result.differences, written)).toEqual([]);
        pairs += comparer.result.pairs;
        asked += comparer.result.asked;
      }),
      // Shrinking eight rules takes minutes, and one difference names one rule and one event: short enough.
      { numRuns: RUNS, endOnFailure: true },
    );
    // The test would be worth little if most rules were refused, or nearly all or none held.
    expect(compiled / tried).toBeGreaterThan(0.7);
    expect(pairs / asked).toBeGreaterThan(0.1);
    expect(pairs / asked).toBeLessThan(0.9);
  });

  it('agree on an event before and after ten thousand others, whatever is remembered of values', {
    timeout: 300_000,
  }, () => {
    const written = fc.sample(randomRule, { numRuns: 40, seed: 7 });
    const { engine } = compileRandom(written);
    const comparer = new Comparer({ engine, raw: true });
    const choose = chooseBySeed(11);
    const known = engine.rules.map(({ mapped }) => makeNearEvent(mapped.rule, choose));
    const compareKnown = (when: string): void => {
      known.forEach((event, at) => comparer.compare(event, `event ${at} ${when}`));
    };
    compareKnown('at first');
    const fields = ['A', 'B', 'c.d', 'constructor', 'message'];
    for (let at = 0; at < 10_000; at++) {
      const other: JsonObject = {};
      for (const field of fields) other[field] = `${at} evil.exe ${field}`;
      if (at % 500 === 0) comparer.compare(other, `filler ${at}`);
      else engine.matchIndices(other);
      // One known event among the others, so that it is both remembered and long forgotten.
      if (at % 97 === 0) comparer.compare(known[at % known.length] as JsonObject, `event after ${at}`);
    }
    compareKnown('at last');
    expect(comparer.result.differences).toEqual([]);
    expect(comparer.result.pairs).toBeGreaterThan(100);
  });

  it('agree on one value in many fields, and on what one event says in fields that the next lacks', () => {
    const { engine } = compileText({
      text: [
        '  s: {A|contains: evil}\n  f: {B: evil}\n  condition: s and not f',
        '  s: {A: evil, B: evil, C|startswith: EV}\n  condition: s',
        '  s: {B: null, A|endswith: IL}\n  condition: s',
        '  k: [evil]\n  n: {A|exists: false}\n  condition: k and n',
      ]
        .map((detection, at) => ruleText(detection).replace('5f113a8f', `5f113a8${at}`))
        .join('---\n'),
    });
    const comparer = new Comparer({ engine, raw: true });
    const values = ['evil', 'EVIL', null, 'devil', ['evil', 'x']];
    for (const A of [...values, undefined])
      for (const B of [...values, undefined])
        for (const C of [...values, undefined]) {
          const event = JSON.parse(JSON.stringify({ A, B, C })) as JsonObject;
          comparer.compare(event, JSON.stringify(event));
        }
    expect(comparer.result.differences).toEqual([]);
    expect(comparer.result.matched.size).toBe(4);
  });

  it('agree on real events with rules of every kind of logsource', () => {
    const file = join(import.meta.dirname, '../../fixtures/windows/security-datasets.ndjson');
    const text = ['process_creation', 'network_connection', 'registry_set']
      .map((category, at) =>
        ruleText(
          "  sel:\n    Image|endswith: ['\\powershell.exe', '\\svchost.exe']\n  other:\n    - 'TargetObject|contains': '\\CurrentVersion\\'\n    - CommandLine|contains|all: ['-', 'o']\n  condition: 1 of them",
          `{product: windows, category: ${category}}`,
        ).replace('5f113a8f', `5f113a8${at}`),
      )
      .join('---\n');
    const comparer = new Comparer({ engine: compileText({ text }).engine, raw: true });
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .forEach((line, at) => comparer.compare(JSON.parse(line) as JsonObject, `line ${at + 1}`));
    expect(comparer.result.differences).toEqual([]);
    expect(comparer.result.pairs).toBeGreaterThan(0);
  });
});

import { describe, expect, it } from 'vitest';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { flattenRaw } from '../../../detect/sigma/flatten-raw.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import { createLineNormaliser } from '../../../server/commands/normalise-line.ts';
import { playRecordings } from '../../rules/play-recordings.ts';
import { isRealRun } from '../../services/require-real.ts';
import { Comparer } from './compare-with-reference.ts';
import { ourPipelines } from './compile-text.ts';
import { chooseBySeed, makeNearEvent } from './near-events.ts';
import { HAS_CORPORA, loadSigmaHq, readVectors, readWindowsEvents } from './read-corpora.ts';

/** Every event where real components are promised (CI); else each hundredth, so that a first try is quick. */
const STEP = isRealRun() ? 1 : 100;
const TRIES = isRealRun() ? 20 : 2;

const VECTOR_OF_THREE = '45e112d0-7759-4c2a-aa36-9f8fb79d3393: 3, not 1';

describe.runIf(HAS_CORPORA)('the engine over SigmaHQ and recorded attacks', () => {
  const rules = HAS_CORPORA ? loadSigmaHq() : [];
  const { pipelines, routes } = ourPipelines();
  const { engine, refused } = compileRules({ rules, pipelines: [], routes, raw: true });
  const normalised = compileRules({ rules, pipelines, routes });

  it('loads every rule of SigmaHQ or says why not, with code, file, line and column', () => {
    expect(rules.length).toBe(3_780);
    expect(countBy(refused.map(({ code }) => code))).toEqual({ SIGMA_PLACEHOLDER: 25 });
    expect(countBy(normalised.refused.map(({ code }) => code))).toEqual({ SIGMA_PLACEHOLDER: 25 });
    for (const { place, message } of [...refused, ...normalised.refused]) {
      expect(place.file).toMatch(/\.yml$/);
      expect([typeof place.line, typeof place.column]).toEqual(['number', 'number']);
      expect(message).toMatch(/^no pipeline gives a value for `%[\w-]+%`$/);
    }
    expect(engine.rules.length).toBe(3_755);
    expect(normalised.engine.rules.length).toBe(3_755);
  });

  it("gives the match counts of SigmaHQ's regression vectors", () => {
    const wrong = readVectors().flatMap(({ rule_id, match_count, events }) => {
      const count = events
        .flatMap((event) => engine.match(flattenRaw(event)))
        .filter(({ rule }) => rule.id === rule_id).length;
      return count === match_count ? [] : [`${rule_id}: ${count}, not ${match_count}`];
    });
    expect(wrong).toEqual([VECTOR_OF_THREE]);
  });

  it('agrees with the reference on recorded events', { timeout: 900_000 }, () => {
    const comparer = new Comparer({ engine, raw: true });
    const events = readWindowsEvents();
    expect(events.length).toBe(16_708);
    for (let at = 0; at < events.length; at += STEP)
      comparer.compare(events[at] as JsonObject, `event ${at + 1}`);
    expect(comparer.result.differences).toEqual([]);
    expect(comparer.result.events).toBe(Math.ceil(events.length / STEP));
    expect(comparer.result.pairs).toBeGreaterThan(250 / STEP);
  });

  it('agrees with the reference on the events of the vectors, raw and normalised', {
    timeout: 300_000,
  }, () => {
    const raw = new Comparer({ engine, raw: true });
    const ecs = new Comparer({ engine: normalised.engine, raw: false, pipelines });
    const normalise = createLineNormaliser('windows');
    for (const { rule_id, events } of readVectors()) {
      for (const event of events) {
        raw.compare(flattenRaw(event), rule_id);
        for (const one of normalise(Buffer.from(JSON.stringify(event)))) ecs.compare(one, rule_id);
      }
    }
    expect(raw.result.differences).toEqual([]);
    expect(ecs.result.differences).toEqual([]);
  });

  it('agrees with the reference on the recordings of the demo', { timeout: 300_000 }, async () => {
    const comparer = new Comparer({ engine: normalised.engine, raw: false, pipelines });
    const { events } = await playRecordings();
    for (const [id, { event }] of events) comparer.compare(event as unknown as JsonObject, id);
    expect(comparer.result.differences).toEqual([]);
    expect(comparer.result.events).toBeGreaterThan(800);
  });

  it('agrees with the reference on events made to match each rule nearly', { timeout: 600_000 }, () => {
    // What such an event says of its origin is the rule's own words, which may route it elsewhere: every rule is tried.
    const routes = { signals: {}, families: [], routes: [] };
    const { engine } = compileRules({ rules, pipelines: [], routes, raw: true });
    const comparer = new Comparer({ engine, raw: true });
    const choose = chooseBySeed(4);
    engine.rules.forEach(({ mapped, info }, own) => {
      for (let turn = 0; turn < TRIES; turn++)
        comparer.compareOwn(makeNearEvent(mapped.rule, choose), own, `${info.id} ${turn}`);
    });
    expect(comparer.result.differences).toEqual([]);
  });
});

function countBy(codes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

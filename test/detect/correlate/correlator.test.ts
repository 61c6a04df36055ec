// The correlator's answer depends only on the set of signals: never on order, batches, duplicates or restarts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Correlation, correlatePlainRule } from '../../../detect/correlate/correlation.ts';
import { type Correlator, openCorrelator } from '../../../detect/correlate/correlator.ts';
import { makeSignals } from '../../../detect/correlate/signal.ts';
import {
  compileAll,
  correlationSet,
  HOUR,
  MIDNIGHT,
  ruleInfo,
  type Sample,
  sampleSet,
  signalsOf,
  toldSet,
} from './random-correlations.ts';
import { correlateAtOnce } from './reference.ts';

function currentAlerts(correlator: Correlator): unknown[] {
  return correlator.current().map(({ id, rule, key, first, last, count, events }) => ({
    id,
    rule: rule.id,
    key,
    first,
    last,
    count,
    events,
  }));
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-correlate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(file = ':memory:', bounds: { memory_bytes?: number; logged_rows?: number } = {}): Correlator {
  return openCorrelator({
    file,
    memory_bytes: 1 << 20,
    revision_wait_ms: 1_000,
    count: () => undefined,
    ...bounds,
  });
}

describe('the correlator', () => {
  it('ends in the alerts of the reference for every permutation, split, duplication and restart point', () => {
    fc.assert(
      fc.property(
        sampleSet,
        correlationSet,
        toldSet,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        // From everything in memory to next to nothing.
        fc.constantFrom({}, { logged_rows: 12 }, { logged_rows: 3, memory_bytes: 1 }),
        (samples, correlations, told, sizes, random, bounds) => {
          const signals = signalsOf(correlations, samples);
          const shuffled = [...signals, ...signals.slice(0, Math.floor(signals.length / 3))]
            .map((signal) => ({ signal, order: random.next().value as number }))
            .sort((a, b) => a.order - b.order)
            .map(({ signal }) => signal);
          // A folder a run: small numbers come often, and a store of another run would be found again.
          const file = join(mkdtempSync(join(folder, 'run-')), 'signals.sqlite');
          let correlator = open(file, bounds);
          correlator.use(correlations);
          const waiting = [...told];
          for (let at = 0, batch = 0; at < shuffled.length || waiting.length > 0; batch++) {
            const size = sizes[batch % sizes.length] as number;
            const tells = waiting.splice(0, batch % 2);
            correlator.work({
              signals: shuffled.slice(at, at + size),
              as_of: Object.fromEntries(tells.map(({ site, t }) => [site, t])),
              now: 0,
            });
            at += size;
            if (batch % 5 === 3) {
              correlator.close();
              correlator = open(file, bounds);
              correlator.use(correlations);
            }
          }
          const current = currentAlerts(correlator);
          correlator.close();
          const as_of: Record<string, number> = {};
          for (const { site, t } of told) as_of[site] = Math.max(as_of[site] ?? t, t);
          expect(current).toEqual(correlateAtOnce(signals, { as_of, correlations }));
        },
      ),
      { numRuns: Number(process.env['PICKET_PROPERTY_RUNS'] ?? 60), endOnFailure: true },
    );
  });

  it('takes an absence back when its answer comes late from another site that is behind', () => {
    const [absence] = compileAll([
      { type: 'absence', rules: ['a', 'b'], rule: ruleInfo('absence', { scope: 'fleet' }) },
    ]);
    const correlations = [absence as Correlation];
    const sample = (rule: string, site: string, minutes: number): Sample => ({
      rules: [rule],
      event: `${rule}-${site}`,
      t: MIDNIGHT + minutes * 60_000,
      user: 'x',
      value: '',
      site,
    });
    const correlator = open();
    correlator.use(correlations);
    correlator.work({
      signals: signalsOf(correlations, [sample('a', 'kyoto', 0)]),
      as_of: { kyoto: MIDNIGHT + 2 * HOUR },
      now: 0,
    });
    expect(correlator.current()).toHaveLength(1);
    correlator.work({ signals: signalsOf(correlations, [sample('b', 'lyon', 30)]), now: 0 });
    expect(correlator.current()).toHaveLength(0);
    correlator.close();
  });

  it('counts what a plain rule matched once in a correlation over it, alerts of its own or not', () => {
    const plain = correlatePlainRule(ruleInfo('a', { kind: 'plain' }), ['user']);
    const [count] = compileAll([
      { type: 'event_count', rules: ['a'], bounds: [{ with: 'gte', value: 2 }], generate: true },
    ]);
    const correlations = [plain, count as Correlation];
    const samples = [{ rules: ['a'], event: 'e', t: MIDNIGHT, user: 'x', value: '', site: 'lyon' }];
    const correlator = open();
    correlator.use(correlations);
    correlator.work({ signals: signalsOf(correlations, samples), now: 0 });
    expect(correlator.current().map(({ rule }) => rule.id)).toEqual(['a']);
    correlator.close();
  });

  it('cuts a run at UTC midnight, and one of a longer timespan at its multiples', () => {
    const plain = correlatePlainRule(ruleInfo('a', { kind: 'plain' }), ['user']);
    const around = [-2, -1, 0, 1].map((minutes, at) => ({
      rules: ['a'],
      event: `e${at}`,
      t: MIDNIGHT + minutes * 60_000,
      user: 'x',
      value: '',
      site: 'lyon',
    }));
    const correlator = open();
    correlator.work({ signals: signalsOf([plain], around), now: 0 });
    expect(correlator.current().map(({ count }) => count)).toEqual([2, 2]);
    correlator.close();
  });

  it('supersedes a run whose anchor moves, and queues the new alert before the old', () => {
    const plain = correlatePlainRule(ruleInfo('a', { kind: 'plain' }), ['user']);
    const sample = (event: string, minutes: number): Sample => ({
      rules: ['a'],
      event,
      t: MIDNIGHT + HOUR + minutes * 60_000,
      user: 'x',
      value: '',
      site: 'lyon',
    });
    const correlator = open();
    const [old] = correlator.work({ signals: signalsOf([plain], [sample('late', 30)]), now: 0 });
    const changed = correlator.work({ signals: signalsOf([plain], [sample('early', 0)]), now: 0 });
    expect(changed).toHaveLength(2);
    expect(changed[1]).toBe(old);
    expect(correlator.episode(old as string)).toMatchObject({
      state: 'superseded',
      superseded_by: changed[0],
    });
    expect(correlator.episode(changed[0] as string)).toMatchObject({ state: 'current', count: 2 });
    correlator.close();
  });

  it('shows the first and last hundred events of a long run and counts them all', () => {
    const plain = correlatePlainRule(ruleInfo('a', { kind: 'plain' }), []);
    const samples = Array.from({ length: 350 }, (_, at) => ({
      rules: ['a'],
      event: `e${String(at).padStart(3, '0')}`,
      t: MIDNIGHT + at * 1_000,
      user: 'x',
      value: '',
      site: 'lyon',
    }));
    const correlator = open();
    correlator.work({ signals: signalsOf([plain], samples), now: 0 });
    const [episode] = correlator.current();
    expect(episode?.count).toBe(350);
    expect(episode?.events).toHaveLength(200);
    expect(episode?.events[99]?.event).toBe('e099');
    expect(episode?.events[100]?.event).toBe('e250');
    correlator.close();
  });

  it('sends what was made but not confirmed again word by word after a restart, then later revisions', () => {
    const plain = correlatePlainRule(ruleInfo('a', { kind: 'plain' }), ['user']);
    const sample = (event: string): Sample => ({
      rules: ['a'],
      event,
      t: MIDNIGHT,
      user: 'x',
      value: '',
      site: 'lyon',
    });
    const file = join(folder, 'outbox.sqlite');
    const build = (_: unknown, revision: number): string => `revision ${revision}`;
    let correlator = open(file);
    correlator.work({
      signals: signalsOf([plain], [sample('e1')]),
      position: { topic: 'picket.events', partition: 2, next: 7 },
      now: 5,
    });
    const made = correlator.takeOutgoing({ now: 5, limit: 10, build });
    correlator.close();
    correlator = open(file);
    expect(correlator.position('picket.events', 2)).toBe(7);
    expect(correlator.takeOutgoing({ now: 5, limit: 10, build: () => 'other' })).toEqual(made);
    correlator.confirmSent(made);
    correlator.work({ signals: signalsOf([plain], [sample('e2')]), now: 10 });
    expect(correlator.takeOutgoing({ now: 10, limit: 10, build })).toEqual([]);
    expect(correlator.nextDue()).toBe(1_010);
    expect(correlator.takeOutgoing({ now: 1_010, limit: 10, build })).toMatchObject([{ revision: 2 }]);
    correlator.close();
  });

  it('leaves out and counts what comes from before the recorded horizon', () => {
    const plain = correlatePlainRule(ruleInfo('a', { kind: 'plain' }), ['user']);
    const counted: string[] = [];
    const correlator = openCorrelator({
      file: ':memory:',
      memory_bytes: 1 << 20,
      revision_wait_ms: 0,
      count: (reason, by) => counted.push(`${reason} ${by}`),
    });
    correlator.forgetBefore(MIDNIGHT + HOUR);
    expect(correlator.horizon()).toBe(MIDNIGHT);
    const sample = { rules: ['a'], event: 'e', t: MIDNIGHT - 1, user: 'x', value: '', site: 'lyon' };
    correlator.work({ signals: signalsOf([plain], [sample]), now: 0 });
    expect(correlator.current()).toEqual([]);
    expect(counted).toEqual(['before-horizon 1']);
    correlator.close();
  });
});

describe('temporal_ordered', () => {
  it('takes distinct events within ties even where the first choice would be wrong', () => {
    const ordered = compileAll([{ type: 'temporal_ordered' }])[0] as Correlation;
    const at = (event: string, rules: string[]): Sample => ({
      rules,
      event,
      t: MIDNIGHT,
      user: 'x',
      value: '',
      site: 'lyon',
    });
    const correlator = open();
    correlator.work({ signals: signalsOf([ordered], [at('e1', ['a', 'b']), at('e2', ['a'])]), now: 0 });
    expect(correlator.current()).toEqual([]);
    correlator.work({ signals: signalsOf([ordered], [at('e3', ['c'])]), now: 0 });
    expect(correlator.current()).toMatchObject([{ count: 3, anchor: { event: 'e3' } }]);
    correlator.close();
  });
});

describe('the keys of a signal', () => {
  it('are none for an absent group-by field, one an element for a list, at most 64, each outcome counted', () => {
    const correlation = compileAll([
      { type: 'event_count', bounds: [{ with: 'gte', value: 2 }] },
    ])[0] as Correlation;
    const counted: string[] = [];
    const keys = (document: unknown): string[] =>
      makeSignals({
        correlation,
        rule: 'a',
        document,
        event: 'e',
        t: 0,
        tenant: 'acme',
        site: 'lyon',
        describe: () => ({}),
        count: (reason, by) => counted.push(`${reason} ${by}`),
      }).map((signal) => signal.key['user'] as string);
    expect(keys({})).toEqual([]);
    expect(keys({ user: ['x', 'y', 'x'] })).toEqual(['x', 'y']);
    expect(keys({ user: Array.from({ length: 70 }, (_, at) => `u${at}`) })).toHaveLength(64);
    expect(counted).toEqual(['group-by-absent 1', 'group-by-list-cut 6']);
  });
});

// What one-step detection hands over: two-step detection comes to the same alerts, made at the same times, and goes on from there.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Correlation } from '../../../detect/correlate/correlation.ts';
import { type Episode, openCorrelator } from '../../../detect/correlate/correlator.ts';
import { carryDetection } from '../../../detect/worker/carry-detection.ts';
import { encodeAsOf, encodeSignals, groupKey, KEY_GROUPS } from '../../../detect/worker/signal-messages.ts';
import { CORRELATE_GROUP, startCorrelating } from '../../../detect/worker/start-correlating.ts';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { correlationSet, sampleSet, signalsOf, toldSet } from '../correlate/random-correlations.ts';
import { correlateAtOnce } from '../correlate/reference.ts';

const { signals: topic } = TOPICS;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-carry-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  id: string;
  revision: number;
  state: string;
}

function shown({ id, state, rule, key, first, last, count, events, created }: Episode) {
  return { id, state, rule: rule.id, key, first, last, count, events, created };
}

/** Lets a worker work until nothing moves any more. */
async function settle(bus: Bus, name: string, correlations: readonly Correlation[]): Promise<void> {
  for (let before = -1; ; ) {
    const worker = startCorrelating({
      bus,
      folder: name,
      build: (episode, revision) => ({ ...shown(episode), revision }) as unknown as Alert,
      clock: systemClock,
      counters: new Counters(),
      logger: silentLogger,
      memory_bytes: 1 << 20,
      max_store_bytes: 1 << 30,
      revision_wait_ms: 0,
    });
    worker.use(correlations);
    while (
      (await bus.bounds(topic)).some(({ next }) => next > 0) &&
      (await bus.lag(CORRELATE_GROUP))[topic.name] !== 0
    )
      await systemClock.sleep(2);
    await worker.stop();
    const now = (await bus.bounds(topic)).reduce((sum, { next }) => sum + next, 0);
    if (now === before) return;
    before = now;
  }
}

/** Of each alert that was ever told the newest revision. */
async function newestAlerts(bus: Bus): Promise<Told[]> {
  const newest = new Map<string, Told>();
  for (const { value } of await bus.read({
    topic: TOPICS.alerts,
    partition: 0,
    offset: 0,
    max_records: 1e6,
  })) {
    const told = JSON.parse(Buffer.from(value).toString('utf8')) as Told;
    if (told.revision > (newest.get(told.id)?.revision ?? 0)) newest.set(told.id, told);
  }
  return [...newest.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

function withoutRevision(told: Told): object {
  return { ...told, revision: undefined };
}

describe('detection that is carried over', () => {
  it('tells the same alerts as before, none besides, and those of the reference once more has come', async () => {
    await fc.assert(
      fc.asyncProperty(
        sampleSet,
        correlationSet,
        toldSet,
        toldSet,
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        async (samples, correlations, told, toldLater, size, share, twice) => {
          const run = mkdtempSync(join(folder, 'run-'));
          const signals = signalsOf(correlations, samples);
          const cut = Math.floor(signals.length * share);
          const old = openCorrelator({
            file: join(run, 'correlate.sqlite'),
            memory_bytes: 1 << 20,
            revision_wait_ms: 0,
            count: () => undefined,
            logged_rows: 20,
          });
          old.use(correlations);
          for (let at = 0, now = 1_000; at < cut; at += size, now += 7)
            old.work({ signals: signals.slice(at, Math.min(cut, at + size)), now });
          for (const { site, t } of told) old.work({ signals: [], as_of: { [site]: t }, now: 5_000 });
          const before = old.current().map(shown);
          old.close();

          mkdirSync(join(run, 'bus'));
          const bus = await openEmbeddedBus({ folder: join(run, 'bus'), clock: systemClock });
          await bus.ensureTopics([topic, TOPICS.alerts]);
          const carried = carryDetection(run);
          if (!carried) throw new Error('there is a store');
          // A step that was interrupted is sent once more.
          for (const step of ['signals', 'made'] as const) {
            for (let time = 0; time < (twice ? 2 : 1); time++)
              for (const { messages } of carried[step](0)) await bus.produce(topic, messages);
            if (step === 'signals') await bus.produce(topic, carried.told());
          }
          carried.close();
          await settle(bus, join(run, 'new'), correlations);
          const moved = (await newestAlerts(bus)).map(withoutRevision);
          const wanted = JSON.parse(JSON.stringify(before)) as { id: string }[];
          expect(moved).toEqual(wanted.sort((one, other) => (one.id < other.id ? -1 : 1)));

          await bus.produce(topic, encodeSignals(signals.slice(cut)));
          for (const { site, t } of toldLater)
            await bus.produce(
              topic,
              Array.from({ length: KEY_GROUPS }, (_, group) => encodeAsOf(groupKey(group), { [site]: t })),
            );
          await settle(bus, join(run, 'new'), correlations);
          const current = (await newestAlerts(bus)).filter(({ state }) => state === 'current');
          await bus.close();
          const as_of: Record<string, number> = {};
          for (const { site, t } of [...told, ...toldLater]) as_of[site] = Math.max(as_of[site] ?? t, t);
          const expected = correlateAtOnce(signals, { as_of, correlations });
          expect(current.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        },
      ),
      { numRuns: Number(process.env['PICKET_PROPERTY_RUNS'] ?? 30), endOnFailure: true },
    );
  }, 600_000);

  it('is nothing where nothing was detected in one step', () => {
    expect(carryDetection(folder)).toBeUndefined();
  });
});

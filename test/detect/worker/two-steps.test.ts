// Step two of detection over the bus: the alerts are those of the reference, whoever owned a partition when, and however often.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Correlation } from '../../../detect/correlate/correlation.ts';
import type { Episode } from '../../../detect/correlate/correlator.ts';
import { encodeAsOf, encodeSignals, groupKey, KEY_GROUPS } from '../../../detect/worker/signal-messages.ts';
import {
  CORRELATE_GROUP,
  type Correlating,
  startCorrelating,
} from '../../../detect/worker/start-correlating.ts';
import type { Bus, BusMessage, BusRecord } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import {
  compileAll,
  correlationSet,
  MIDNIGHT,
  ruleInfo,
  type Sample,
  sampleSet,
  signalsOf,
  toldSet,
} from '../correlate/random-correlations.ts';
import { correlateAtOnce } from '../correlate/reference.ts';

const clock = systemClock;
const { signals: topic } = TOPICS;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-two-steps-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function openBus(): Promise<Bus> {
  const bus = await openEmbeddedBus({ folder: mkdtempSync(join(folder, 'bus-')), clock });
  await bus.ensureTopics([topic, TOPICS.alerts]);
  return bus;
}

interface Told extends Omit<ReturnType<typeof shown>, 'state'> {
  id: string;
  revision: number;
  state: string;
}

function shown({ id, state, rule, key, first, last, count, events }: Episode) {
  return { id, state, rule: rule.id, key, first, last, count, events };
}

function startWorker(
  bus: Bus,
  name: string,
  correlations: readonly Correlation[],
  counters: Counters,
): Correlating {
  const worker = startCorrelating({
    bus,
    folder: join(folder, name),
    // What these tests compare, in place of a whole alert.
    build: (episode, revision) => ({ ...shown(episode), revision }) as unknown as Alert,
    clock,
    counters,
    logger: silentLogger,
    memory_bytes: 1 << 20,
    max_store_bytes: 1 << 30,
    revision_wait_ms: 0,
  });
  worker.use(correlations);
  return worker;
}

async function readAll(
  bus: Bus,
  one: (typeof TOPICS)['signals' | 'alerts' | 'deadLetters'],
): Promise<BusRecord[]> {
  const bounds = await bus.bounds(one);
  const records = await Promise.all(
    bounds.map((_, partition) => bus.read({ topic: one, partition, offset: 0, max_records: 100_000 })),
  );
  return records.flat();
}

/** Of each alert the newest revision; what the keeper of alerts keeps. */
async function newestAlerts(bus: Bus): Promise<Map<string, Told>> {
  const newest = new Map<string, Told>();
  for (const { value } of await readAll(bus, TOPICS.alerts)) {
    const told = JSON.parse(Buffer.from(value).toString('utf8')) as Told;
    if (told.revision > (newest.get(told.id)?.revision ?? 0)) newest.set(told.id, told);
  }
  return newest;
}

/** Lets a worker of this store work alone until nothing moves any more. */
async function settle(bus: Bus, name: string, correlations: readonly Correlation[]): Promise<void> {
  for (let before = -1; ; ) {
    const worker = startWorker(bus, name, correlations, new Counters());
    while (
      (await bus.bounds(topic)).some(({ next }) => next > 0) &&
      (await bus.lag(CORRELATE_GROUP))[topic.name] !== 0
    )
      await clock.sleep(2);
    await worker.stop();
    const now = (await bus.bounds(topic)).reduce((sum, { next }) => sum + next, 0);
    if (now === before) return;
    before = now;
  }
}

async function tell(bus: Bus, as_of: Record<string, number>): Promise<void> {
  await bus.produce(
    topic,
    Array.from({ length: KEY_GROUPS }, (_, group) => encodeAsOf(groupKey(group), as_of)),
  );
}

describe('two steps', () => {
  it('end in the alerts of the reference, whoever owns the partitions and whatever store they have of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        sampleSet,
        correlationSet,
        toldSet,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        // Who works after each part: `a` and `b` keep their stores, others begin without any.
        fc.array(fc.constantFrom('a', 'b', 'new', 'nobody'), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        async (samples, correlations, told, sizes, owners, random) => {
          const run = mkdtempSync(join(folder, 'run-'));
          const store = (name: string): string => join(run.slice(folder.length + 1), name);
          const signals = signalsOf(correlations, samples);
          const shuffled = [...signals, ...signals.slice(0, Math.floor(signals.length / 3))]
            .map((signal) => ({ signal, order: random.next().value as number }))
            .sort((one, other) => one.order - other.order)
            .map(({ signal }) => signal);
          const bus = await openBus();
          const waiting = [...told];
          for (let at = 0, part = 0; at < shuffled.length || waiting.length > 0; part++) {
            const size = sizes[part % sizes.length] as number;
            await bus.produce(topic, encodeSignals(shuffled.slice(at, at + size)));
            at += size;
            for (const { site, t } of waiting.splice(0, part % 2)) await tell(bus, { [site]: t });
            const owner = owners[part % owners.length] as string;
            if (owner === 'nobody') continue;
            const worker = startWorker(
              bus,
              store(owner === 'new' ? `new-${part}` : owner),
              correlations,
              new Counters(),
            );
            // Sometimes all of it is worked, sometimes the worker goes in the middle.
            await clock.sleep(part % 3);
            await worker.stop();
          }
          await settle(bus, store(owners[0] as string), correlations);
          const current = [...(await newestAlerts(bus)).values()]
            .filter(({ state }) => state === 'current')
            .map(({ id, rule, key, first, last, count, events }) => ({
              id,
              rule,
              key,
              first,
              last,
              count,
              events,
            }))
            .sort((one, other) => (one.id < other.id ? -1 : 1));
          await bus.close();
          const as_of: Record<string, number> = {};
          for (const { site, t } of told) as_of[site] = Math.max(as_of[site] ?? t, t);
          const expected = correlateAtOnce(signals, { as_of, correlations });
          expect(current).toEqual(JSON.parse(JSON.stringify(expected)));
        },
      ),
      { numRuns: Number(process.env['PICKET_PROPERTY_RUNS'] ?? 20), endOnFailure: true },
    );
  }, 600_000);

  const inner = {
    type: 'event_count',
    rule: ruleInfo('inner'),
    bounds: [{ with: 'gte', value: 1 }],
  } as const;
  const sample = (event: string): Sample => ({
    rules: ['a'],
    event,
    t: MIDNIGHT,
    user: 'x',
    value: '',
    site: 'lyon',
  });

  it('leave out what an owner of before hands on after the owner of now, and count it', async () => {
    const correlations = compileAll([inner]);
    const signals = signalsOf(correlations, [sample('e1')]);
    const withdrawn = signals.map((signal) => ({ ...signal, withdrawn: true as const }));
    const bus = await openBus();
    await bus.produce(topic, encodeSignals(signals, { partition: 3, appended: 1_000 }));
    await bus.produce(topic, encodeSignals(withdrawn, { partition: 3, appended: 2_000 }));
    await bus.produce(topic, encodeSignals(signals, { partition: 3, appended: 1_500 }));
    const counters = new Counters();
    const worker = startWorker(bus, 'a', correlations, counters);
    while ((await bus.lag(CORRELATE_GROUP))[topic.name] !== 0) await clock.sleep(2);
    await worker.stop();
    expect([...(await newestAlerts(bus)).values()].map(({ state }) => state)).toEqual(['withdrawn']);
    expect(counters.total('detect', 'handed-on-by-former-owner')).toBe(1);
    await bus.close();
  });

  it('set aside what is no signal, with the reason and the place, and go on', async () => {
    const correlations = compileAll([inner]);
    const bus = await openBus();
    await bus.ensureTopics([TOPICS.deadLetters]);
    const [good] = encodeSignals(signalsOf(correlations, [sample('e1')]));
    const { key } = good as { key: string };
    const bad = [
      { key, value: Buffer.from('{"signals":'), headers: { kind: 'signals' } },
      { key, value: Buffer.from('{"correlations":{},"signals":[{}]}'), headers: { kind: 'signals' } },
      { key, value: Buffer.from('{"lyon":"soon"}'), headers: { kind: 'as-of' } },
    ];
    await bus.produce(topic, [...bad, good as BusMessage]);
    const counters = new Counters();
    const worker = startWorker(bus, 'a', correlations, counters);
    while ((await bus.lag(CORRELATE_GROUP))[topic.name] !== 0) await clock.sleep(2);
    await worker.stop();
    expect((await newestAlerts(bus)).size).toBe(1);
    const set = await readAll(bus, TOPICS.deadLetters);
    expect(set.map(({ headers }) => [headers['dl-code'], headers['dl-place']])).toEqual([
      ['SIGNAL_INVALID', 'offset 0'],
      ['SIGNAL_INVALID', 'offset 1'],
      ['SIGNAL_INVALID', 'offset 2'],
    ]);
    await bus.close();
  });
});

// The spool in front of brokers that may be away: nothing acknowledged is lost, and what was acknowledged keeps its order.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Bus, BusMessage } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { spoolFolder } from '../../../platform/bus/spool/spool-folder.ts';
import { openSpooledBus, type SpooledBus } from '../../../platform/bus/spool/spooled-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { errorCode, PicketError } from '../../../platform/core/errors.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { describeBusContract, message, readAll, textOf } from './contract.ts';

const MIB = 1024 ** 2;

/** An embedded bus that can be taken away, in the way that the Kafka bus says it: at once, or after a while. */
function mayGoAway(bus: Bus): { bus: Bus; away: boolean; slow_ms: number; told: boolean } {
  const state = { away: false, slow_ms: 0, told: true };
  const answer = async <T>(work: () => Promise<T>): Promise<T> => {
    const gone = state.away;
    if (state.slow_ms > 0) await systemClock.sleep(state.slow_ms);
    if (gone) throw new PicketError({ code: 'BUS_UNAVAILABLE', message: 'away' });
    return work();
  };
  const shown: Bus = {
    ensureTopics: (topics) => answer(() => bus.ensureTopics(topics)),
    produce: (topic, messages) => answer(() => bus.produce(topic, messages)),
    deadLetter: (letter, reason) => answer(() => bus.deadLetter(letter, reason)),
    congested: () => state.told && state.away,
    consume: (options) => bus.consume(options),
    read: (options) => bus.read(options),
    offsetsAt: (topic, timestamp) => bus.offsetsAt(topic, timestamp),
    seek: (options) => bus.seek(options),
    lag: (group) => bus.lag(group),
    bounds: (topic) => bus.bounds(topic),
    close: () => bus.close(),
  };
  return Object.assign(state, { bus: shown });
}

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-spool-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function open(options: { folder: string; max_bytes?: number }) {
  const { folder, max_bytes = 64 * MIB } = options;
  const brokers = mayGoAway(await openEmbeddedBus({ folder: join(folder, 'brokers'), clock: systemClock }));
  const counters = new Counters();
  const bus = await openSpooledBus({
    bus: brokers.bus,
    store: spoolFolder({ folder: join(folder, 'spool'), max_bytes, clock: systemClock }),
    counters,
    logger: silentLogger,
  });
  return { brokers, bus, counters };
}

function drained(bus: SpooledBus): Promise<void> {
  return waitUntil({
    what: 'the spool is empty',
    timeout_ms: 20_000,
    interval_ms: 10,
    holds: () => bus.spooled() === 0,
  });
}

describeBusContract('with a spool in front', async () => {
  const folder = await makeFolder();
  let { bus } = await open({ folder });
  return {
    bus,
    reopen: async () => {
      await bus.close();
      ({ bus } = await open({ folder }));
      return bus;
    },
    dispose: () => bus.close(),
  };
});

describe('a bus with a spool in front', () => {
  test('takes what comes while the brokers are away, and passes it on in order when they are back', async () => {
    const { brokers, bus, counters } = await open({ folder: await makeFolder() });
    undo.push(() => bus.close());
    await bus.produce(TOPICS.alerts, [message('a', '1')]);
    brokers.away = true;
    await bus.produce(TOPICS.alerts, [message('a', '2'), message('a', '3')]);
    await bus.deadLetter(message('a', 'letter'), { stage: 'normalise', code: 'BAD', message: 'bad' });
    expect(bus.spooled()).toBe(3);
    expect(bus.congested()).toBe(false);
    expect((await readAll(brokers.bus, TOPICS.alerts)).map(textOf)).toEqual(['1']);
    brokers.away = false;
    await bus.produce(TOPICS.alerts, [message('a', '4')]);
    await drained(bus);
    expect((await readAll(bus, TOPICS.alerts)).map(textOf)).toEqual(['1', '2', '3', '4']);
    const [letter] = await readAll(bus, TOPICS.deadLetters);
    expect(letter).toMatchObject({ key: 'a', headers: { 'dl-stage': 'normalise', 'dl-code': 'BAD' } });
    expect(counters.total('bus', 'spooled')).toBe(4);
    expect(counters.total('bus', 'spool-passed-on')).toBe(4);
    await bus.produce(TOPICS.alerts, [message('a', '5')]);
    expect(counters.total('bus', 'spooled')).toBe(4);
  });

  test('goes on with what an earlier run left, before anything new', async () => {
    const folder = await makeFolder();
    const first = await open({ folder });
    first.brokers.away = true;
    await first.bus.produce(TOPICS.alerts, [message('a', '1'), message('a', '2')]);
    await first.bus.close();
    const second = await open({ folder });
    undo.push(() => second.bus.close());
    await second.bus.produce(TOPICS.alerts, [message('a', '3')]);
    await drained(second.bus);
    expect((await readAll(second.bus, TOPICS.alerts)).map(textOf)).toEqual(['1', '2', '3']);
  });

  test('is congested, then full, when the disk it may use is, and has all of its room again once it is empty', async () => {
    const { brokers, bus } = await open({ folder: await makeFolder(), max_bytes: 2 * MIB });
    undo.push(() => bus.close());
    const body = Buffer.alloc(100_000, 'x').toString();
    const fill = async (): Promise<number> => {
      for (let nth = 0; nth < 200; nth++) {
        try {
          await bus.produce(TOPICS.alerts, [message('a', `${nth} ${body}`)]);
        } catch (error) {
          if (errorCode(error) === 'BUS_FULL') return nth;
          throw error;
        }
      }
      throw new Error('it was never full');
    };
    brokers.away = true;
    const taken = await fill();
    expect(taken).toBeGreaterThan(5);
    expect(bus.congested()).toBe(true);
    brokers.away = false;
    await drained(bus);
    expect(await readAll(bus, TOPICS.alerts)).toHaveLength(taken);
    await waitUntil({ what: 'room again', timeout_ms: 20_000, holds: () => !bus.congested() });
    brokers.away = true;
    // What the log of the database holds differs a little from time to time.
    expect(await fill()).toBeGreaterThan(taken / 2);
  });

  test('does not hide a refusal that is not for the brokers being away', async () => {
    const { bus } = await open({ folder: await makeFolder() });
    undo.push(() => bus.close());
    const huge: BusMessage = { key: 'a', value: new Uint8Array(64 * MIB), headers: {} };
    await expect(bus.produce(TOPICS.alerts, [huge])).rejects.toMatchObject({ code: 'BUS_MESSAGE_TOO_LARGE' });
    expect(bus.spooled()).toBe(0);
  });

  test('keeps each record once and the order of what was acknowledged, however the brokers come and go', async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('produce' as const),
        key: fc.constantFrom('a', 'b', 'c'),
        wait: fc.boolean(),
      }),
      fc.record({ do: fc.constant('go' as const), told: fc.boolean(), slow_ms: fc.constantFrom(0, 3) }),
      fc.record({ do: fc.constant('return' as const) }),
      fc.record({ do: fc.constant('pause' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const folder = await mkdtemp(join(tmpdir(), 'picket-spool-'));
        const { brokers, bus } = await open({ folder });
        try {
          const sent: { text: string; key: string; after: string[] }[] = [];
          const acknowledged: { text: string; key: string }[] = [];
          const going: Promise<unknown>[] = [];
          for (const [nth, one] of steps.entries()) {
            if (one.do === 'go') Object.assign(brokers, { away: true, told: one.told, slow_ms: one.slow_ms });
            if (one.do === 'return') brokers.away = false;
            if (one.do === 'pause') await systemClock.sleep(5);
            if (one.do !== 'produce') continue;
            const [text, { key }] = [String(nth), one];
            // Calls made side by side may change places when the brokers return between them.
            const before = acknowledged.filter((earlier) => earlier.key === key);
            sent.push({ text, key, after: before.map((earlier) => earlier.text) });
            const produced = bus
              .produce(TOPICS.events, [message(key, text)])
              .then(() => acknowledged.push({ text, key }));
            going.push(produced);
            if (one.wait) await produced;
          }
          brokers.away = false;
          await Promise.all(going);
          await drained(bus);
          const stored = (await readAll(bus, TOPICS.events)).map(textOf);
          expect([...stored].sort()).toEqual(sent.map(({ text }) => text).sort());
          const early = sent.flatMap(({ text, after }) =>
            after.filter((earlier) => stored.indexOf(earlier) > stored.indexOf(text)),
          );
          expect(early).toEqual([]);
        } finally {
          await bus.close();
          await rm(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});

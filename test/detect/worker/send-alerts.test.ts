// Alerts are on disk before they are sent, and are sent again when nobody knows whether they were.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { correlatePlainRule } from '../../../detect/correlate/correlation.ts';
import { type Correlator, openCorrelator } from '../../../detect/correlate/correlator.ts';
import { makeSignals } from '../../../detect/correlate/signal.ts';
import { startSending } from '../../../detect/worker/send-alerts.ts';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openBus } from '../../../platform/bus/open-bus.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { ruleInfo, START } from './fixture.ts';

let folder: string;
let bus: Bus;
let correlator: Correlator;
/** What happened, in order. */
let acts: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-send-'));
  acts = [];
  const opened = await openBus({ engine: 'embedded', folder: join(folder, 'bus'), clock: systemClock });
  await opened.ensureTopics([TOPICS.alerts]);
  bus = {
    ...bindAll(opened),
    produce: async (topic, messages) => {
      acts.push('sent');
      return opened.produce(topic, messages);
    },
  };
  const store = openCorrelator({
    file: join(folder, 'correlate.sqlite'),
    memory_bytes: 1_048_576,
    revision_wait_ms: 1_000,
    count: () => undefined,
  });
  correlator = {
    ...store,
    flush: async () => {
      acts.push('sync begun');
      await store.flush();
      acts.push('synced');
    },
  };
});

afterEach(async () => {
  correlator.close();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A class's methods stand on its prototype, where a spread does not see them. */
function bindAll(opened: Bus): Bus {
  return new Proxy(opened, {
    ownKeys: () =>
      Reflect.ownKeys(Object.getPrototypeOf(opened) as object).filter((key) => key !== 'constructor'),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function workOneSignal(): void {
  const rule = ruleInfo('shell');
  const signals = makeSignals({
    correlation: correlatePlainRule(rule, ['host.name']),
    rule: rule.id,
    document: { host: { name: 'h1' } },
    event: 'event-1',
    t: START,
    tenant: 'test',
    site: 'lyon',
    describe: () => ({}),
    count: () => undefined,
  });
  correlator.work({ signals, now: START });
}

const send = () =>
  startSending({
    bus,
    clock: systemClock,
    correlator,
    logger: silentLogger,
    build: (episode, revision) => ({ id: episode.id, revision }) as unknown as Alert,
  });

test('an alert is synced before it is sent', async () => {
  workOneSignal();
  await send().stop();
  expect(acts).toEqual(['sync begun', 'synced', 'sent']);
  expect(correlator.nextDue()).toBeUndefined();
});

test('an alert that could not be synced is not sent, and stays queued', async () => {
  workOneSignal();
  correlator = {
    ...correlator,
    flush: async () => {
      throw new Error('the disk is gone');
    },
  };
  await send().stop();
  expect(acts).toEqual([]);
  expect(correlator.nextDue()).toBeDefined();
});

test('with nothing to send nothing is synced', async () => {
  await send().stop();
  expect(acts).toEqual([]);
});

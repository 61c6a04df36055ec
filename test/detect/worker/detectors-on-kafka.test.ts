// Detection shared out over processes on a real broker: killed, joined and replaced under load, the alerts are those of one process alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bus, BusRecord } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { essence, eventMessage, manyEvents, startTestDetector } from './fixture.ts';

const clock = systemClock;
const topics = [TOPICS.events, TOPICS.signals, TOPICS.alerts, TOPICS.deadLetters];
const events = manyEvents(6_000);
const PART = 200;

async function readAlerts(bus: Bus): Promise<BusRecord[]> {
  const records: BusRecord[] = [];
  for (let more = true; more; ) {
    const next = await bus.read({
      topic: TOPICS.alerts,
      partition: 0,
      offset: (records.at(-1)?.offset ?? -1) + 1,
      max_records: 5_000,
    });
    records.push(...next);
    more = next.length > 0;
  }
  return records;
}

/** What must not depend on the way; of each alert the newest revision, as its keeper keeps it. */
function essenceOf(records: readonly BusRecord[]): unknown[] {
  const newest = new Map<string, Alert>();
  for (const { value } of records) {
    const alert = Alert.parse(JSON.parse(Buffer.from(value).toString('utf8')));
    if (alert.revision > (newest.get(alert.id)?.revision ?? 0)) newest.set(alert.id, alert);
  }
  return essence([...newest.values()]);
}

/** One process, one step, nothing disturbed. */
async function undisturbed(folder: string): Promise<unknown[]> {
  const bus = await openEmbeddedBus({ folder: join(folder, 'bus'), clock });
  await bus.ensureTopics(topics);
  await bus.produce(
    TOPICS.events,
    events.map((event) => eventMessage(event)),
  );
  const counters = new Counters();
  const detector = startTestDetector({ bus, folder: join(folder, 'detect'), counters, revision_wait_ms: 0 });
  while (counters.total('detect', 'worked') < events.length) await clock.sleep(20);
  await detector.stop();
  const alerts = essenceOf(await readAlerts(bus));
  await bus.close();
  return alerts;
}

describe('detectors on Kafka', { timeout: 180_000 }, () => {
  let kafka: Kafka;
  let folder = '';
  const running = new Set<ChildProcess>();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'picket-detectors-'));
    if (isRealRun()) kafka = await startKafka();
  }, 120_000);
  beforeEach((context) => requireReal(context, 'java', 'kafka'));
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await kafka?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(name: string): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      ['test/detect/worker/kafka-detector-process.ts', kafka.broker, join(folder, name)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    running.add(child);
    child.once('exit', () => running.delete(child));
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    return child;
  }

  /** Ends it in order; what it has done. */
  async function finish(child: ChildProcess): Promise<{ worked: number; correlated: number; taken: number }> {
    child.kill('SIGTERM');
    const [said] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    await once(child, 'exit');
    return JSON.parse(said.toString('utf8')) as { worked: number; correlated: number; taken: number };
  }

  it('share the work, and end in the alerts of one process, whoever is killed or joins under load', async () => {
    const expected = await undisturbed(join(folder, 'alone'));
    expect(expected.length).toBeGreaterThan(20);
    const bus = await openBus({
      engine: 'kafka',
      connection: { brokers: [kafka.broker], client_id: 'picket-test' },
      topics: { replication_factor: 1, create: true },
      clock,
      logger: silentLogger,
    });
    await bus.ensureTopics(topics);
    const first = await start('first');
    const second = await start('second');
    const load = (async () => {
      for (let at = 0; at < events.length; at += PART) {
        await bus.produce(
          TOPICS.events,
          events.slice(at, at + PART).map((event) => eventMessage(event)),
        );
        await clock.sleep(150);
      }
    })();
    await waitUntil({
      what: 'alerts come',
      holds: async () => (await readAlerts(bus)).length > 20,
      timeout_ms: 60_000,
      interval_ms: 50,
    });
    first.kill('SIGKILL');
    // One begins with nothing while the other is the only one left; then that one goes, too.
    const third = await start('third');
    await clock.sleep(3_000);
    second.kill('SIGKILL');
    const again = await start('first');
    await load;
    await waitUntil({
      what: 'the alerts are those of one process',
      holds: async () => JSON.stringify(essenceOf(await readAlerts(bus))) === JSON.stringify(expected),
      timeout_ms: 90_000,
      interval_ms: 500,
    });
    const done = [await finish(third), await finish(again)];
    for (const { taken } of done) expect(taken).toBeGreaterThan(0);
    expect(essenceOf(await readAlerts(bus))).toEqual(expected);
    expect((await bus.bounds(TOPICS.deadLetters))[0]?.next).toBe(0);
    await bus.close();
  });
});

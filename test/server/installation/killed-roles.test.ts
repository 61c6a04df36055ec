// A site by roles on real servers, its processes killed, joined and replaced under load: nothing is lost or doubled, and the alerts are those of one undisturbed process.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { type Elasticsearch, startElasticsearch } from '../../services/elasticsearch.ts';
import { kafkaAdmin } from '../../services/kafka/admin.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeFolder } from '../start-picket.ts';
import type { LoadRecord } from './audit-load.ts';
import { ALL_ONCE, type Rounds, startRounds } from './rounds.ts';
import { type Installation, makeInstallation } from './run-installation.ts';

const PROCESSES = [
  ['ingest', 'ingest'],
  ['index', 'index'],
  ['detect-1', 'detect'],
  ['detect-2', 'detect'],
  ['api', 'api'],
] as const;
const { folder, remove } = makeFolder();
const clockFile = join(folder, 'clock');

describe('a site by roles', { timeout: 240_000 }, () => {
  let kafka: Kafka;
  let elasticsearch: Elasticsearch;
  let site: Installation;
  let rounds: Rounds;
  beforeAll(async () => {
    if (!isRealRun()) return;
    [kafka, elasticsearch] = await Promise.all([startKafka(), startElasticsearch()]);
    await poison(kafka);
    writeFileSync(clockFile, '0');
    site = await makeInstallation({
      folder: join(folder, 'site'),
      servers: { broker: kafka.broker, elasticsearch: elasticsearch.url },
      environment: {
        NODE_OPTIONS: `--import=${join(import.meta.dirname, 'step-clock.ts')}`,
        PICKET_TEST_CLOCK: clockFile,
      },
    });
    rounds = startRounds(site);
    // All at once: they make the shared keys, the topics and the templates side by side.
    await Promise.all(PROCESSES.map(([name, role]) => site.start(name, role)));
  }, 300_000);
  beforeEach((context) => requireReal(context, 'java', 'kafka', 'jdk', 'elasticsearch'));
  afterAll(async () => {
    await site?.end();
    await elasticsearch?.stop();
    await kafka?.stop();
    remove();
  });

  const deadLetters = async (): Promise<string[]> => {
    const { dead_letters } = await site.call<{ dead_letters: { topic?: string; code: string }[] }>(
      'GET',
      '/api/v1/dead-letters',
    );
    return dead_letters.map(({ code }) => code).sort();
  };

  test('works what follows a poisoned message that is the first of its partition, and shows the poison', async () => {
    expect(await rounds.play('poisoned', async () => undefined)).toEqual(ALL_ONCE);
    // Of each partition of the events the index and the rules refuse one; of the signals and alerts one each.
    await waitUntil({
      what: 'the poison is among the dead letters',
      timeout_ms: 30_000,
      holds: async () => (await deadLetters()).length >= 2 * TOPICS.events.partitions + 2,
    });
    expect(new Set(await deadLetters())).toEqual(
      new Set(['ALERT_INVALID', 'EVENT_INVALID', 'INDEX_HEADERS_INVALID', 'SIGNAL_INVALID']),
    );
  });

  test.each(PROCESSES)('goes on when %s is killed and started again', async (name, role) => {
    expect(
      await rounds.play(`kill-${name}`, async () => {
        await site.kill(name);
        await site.start(name, role);
      }),
    ).toEqual(ALL_ONCE);
  });

  test('shares its windows out anew while they are open: one detector is killed for good, another joins', async () => {
    expect(
      await rounds.play(
        'rebalance',
        async () => {
          await site.kill('detect-1');
          await site.start('detect-3', 'detect');
        },
        { over_ms: 8_000 },
      ),
    ).toEqual(ALL_ONCE);
  });

  test('is replaced process by process, the new one beside the old one', async () => {
    expect(
      await rounds.play(
        'rolling',
        async () => {
          for (const [name, role] of [
            ['index', 'index'],
            ['detect-2', 'detect'],
            ['detect-3', 'detect'],
          ] as const) {
            await site.start(`${name}-next`, role);
            expect(await site.readiness(`${name}-next`)).toEqual([]);
            expect(await site.stop(name)).toBe(0);
          }
        },
        { over_ms: 10_000 },
      ),
    ).toEqual(ALL_ONCE);
  });

  test('takes records twice and in any order', async () => {
    expect(
      await rounds.play('shuffled', async () => undefined, {
        arrange: (records) => shuffle([...records, ...records, ...records.slice(0, 50)]),
      }),
    ).toEqual(ALL_ONCE);
  });

  test('goes on when its clocks are stepped by an hour, and back', async () => {
    expect(await rounds.play('forward', async () => writeFileSync(clockFile, '3600000'))).toEqual(ALL_ONCE);
    expect(await rounds.play('back', async () => writeFileSync(clockFile, '0'))).toEqual(ALL_ONCE);
  });

  test('refuses what is over the limit of the bus, tells so, and works the rest', async () => {
    const before = (await deadLetters()).length;
    expect(
      await rounds.play('oversize', async () => {
        const name = 'too-large';
        const line = JSON.stringify({
          kind: 'Event',
          apiVersion: 'audit.k8s.io/v1',
          auditID: name,
          stage: 'ResponseComplete',
          verb: 'create',
          userAgent: 'x'.repeat(17 * 1024 ** 2),
          requestReceivedTimestamp: new Date().toISOString(),
        });
        await site.send([{ name, line }], { over_ms: 0 });
      }),
    ).toEqual(ALL_ONCE);
    await waitUntil({
      what: 'it is among the dead letters',
      timeout_ms: 30_000,
      holds: async () => (await deadLetters()).length > before,
    });
    expect(await deadLetters()).toContain('BUS_MESSAGE_TOO_LARGE');
  });

  test('finds a topic that was made anew, and works it from its first record', async () => {
    await waitUntil({
      what: 'all is worked',
      timeout_ms: 60_000,
      holds: async () => (await site.lag()) === 0,
    });
    const admin = await kafkaAdmin(kafka);
    await admin.deleteTopics({ topics: [TOPICS.events.name] });
    await admin.disconnect();
    // Records are kept on disk until the topic is there again, which the next process that starts sees to.
    expect(
      await rounds.play('anew', async () => {
        const index = site.running().find((name) => name.startsWith('index')) as string;
        await site.stop(index);
        await site.start(index, 'index');
      }),
    ).toEqual(ALL_ONCE);
  });

  test('raised the alerts of an undisturbed process, each once and in one incident', async () => {
    const { found, expected, misplaced } = await rounds.compare(join(folder, 'alone'));
    expect(found).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);
    expect(misplaced).toEqual([]);
  });

  afterAll(() => rmSync(clockFile, { force: true }));
});

/** Rubbish as the first record of every partition. */
async function poison(kafka: Kafka): Promise<void> {
  const bus = await openBus({
    engine: 'kafka',
    connection: { brokers: [kafka.broker], client_id: 'stranger' },
    topics: { create: true, replication_factor: 1 },
    clock: systemClock,
    logger: silentLogger,
  });
  await bus.ensureTopics(Object.values(TOPICS));
  for (const topic of [TOPICS.events, TOPICS.signals, TOPICS.alerts]) {
    const hit = new Set<number>();
    const wanted = topic === TOPICS.events ? topic.partitions : 1;
    for (let key = 0; hit.size < wanted; key++) {
      const [place] = await bus.produce(topic, [
        { key: `${key}`, value: Buffer.from([0, 255, 123]), headers: {} },
      ]);
      if (place) hit.add(place.partition);
    }
  }
  await bus.close();
}

function shuffle(records: LoadRecord[]): LoadRecord[] {
  // Always the same order, so that a failure comes again.
  let state = 7;
  for (let at = records.length - 1; at > 0; at--) {
    state = (state * 48_271) % 2_147_483_647;
    const other = state % (at + 1);
    [records[at], records[other]] = [records[other] as LoadRecord, records[at] as LoadRecord];
  }
  return records;
}

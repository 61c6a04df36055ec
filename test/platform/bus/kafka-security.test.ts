// The Kafka bus and a broker that lets nobody in unasked: mutual TLS, SASL, and rights by topic, against a real one.
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Bus } from '../../../platform/bus/bus.ts';
import type { KafkaConnectionSettings } from '../../../platform/bus/kafka/settings.ts';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { kafkaAdmin } from '../../services/kafka/admin.ts';
import type { SecuredListeners } from '../../services/kafka/security.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeTopic, message, readAll, textOf } from './contract.ts';

describe('a secured Kafka', { timeout: 60_000 }, () => {
  let kafka: Kafka;
  let secured: SecuredListeners;
  const undo: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    if (!isRealRun()) return;
    kafka = await startKafka({ secured: true });
    secured = kafka.secured as SecuredListeners;
  });
  beforeEach((context) => requireReal(context, 'java', 'kafka', 'openssl'));
  afterEach(async () => {
    for (const one of undo.splice(0).reverse()) await one();
  });
  afterAll(() => kafka?.stop());

  async function open(connection: Omit<KafkaConnectionSettings, 'client_id'>, create = true): Promise<Bus> {
    const bus = await openBus({
      engine: 'kafka',
      connection: { client_id: 'picket-test', ...connection },
      topics: { replication_factor: 1, create },
      clock: systemClock,
      logger: silentLogger,
      limits: { delivery_timeout_ms: 3_000 },
    });
    undo.push(() => bus.close());
    return bus;
  }

  const bySasl = (
    mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512',
    account: { username: string; password: string },
  ): Omit<KafkaConnectionSettings, 'client_id'> => ({
    brokers: [secured.sasl],
    tls: { ca: secured.ca },
    sasl: { mechanism, ...account },
  });

  async function roundTrip(bus: Bus): Promise<string[]> {
    const topic = makeTopic(1);
    await bus.ensureTopics([topic]);
    const seen: string[] = [];
    const consumer = bus.consume({
      group: randomUUID(),
      topics: [topic],
      handle: async ({ records }) => {
        seen.push(...records.map(textOf));
      },
    });
    await bus.produce(topic, [message('a', '1')]);
    await waitUntil({ what: 'the record', timeout_ms: 20_000, holds: () => seen.length === 1 });
    await consumer.stop();
    return seen;
  }

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'is written and read with SASL %s over TLS',
    async (mechanism) => {
      const bus = await open(bySasl(mechanism, secured.admin));
      expect(await roundTrip(bus)).toEqual(['1']);
    },
  );

  test('refuses a wrong password, and it is said so', async () => {
    const wrong = { ...secured.admin, password: 'wrong' };
    for (const mechanism of ['plain', 'scram-sha-512'] as const) {
      await expect(open(bySasl(mechanism, wrong))).rejects.toMatchObject({ code: 'BUS_AUTHENTICATION' });
    }
  });

  test('is not spoken to when its certificate is of another authority', async () => {
    const foreign = await secured.issue('nobody', { foreign: true });
    const connection = { ...bySasl('plain', secured.admin), tls: { ca: foreign.certificate } };
    await expect(open(connection)).rejects.toMatchObject({ code: 'BUS_AUTHENTICATION' });
  });

  test('knows a client by its certificate, and lets it do what its rights say and nothing else', async () => {
    const admin = await kafkaAdmin(kafka);
    undo.push(() => admin.disconnect());
    const own = makeTopic(1);
    const other = makeTopic(1);
    const maker = await open(bySasl('plain', secured.admin));
    await maker.ensureTopics([own, other, TOPICS.deadLetters]);
    const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
    const allow = (resourceName: string, operation: kafkajs.AclOperationTypes) => ({
      resourceType: AclResourceTypes.TOPIC,
      resourceName,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: 'User:site-lyon',
      host: '*',
      operation,
      permissionType: AclPermissionTypes.ALLOW,
    });
    await admin.createAcls({
      acl: [
        allow(own.name, AclOperationTypes.WRITE),
        allow(own.name, AclOperationTypes.DESCRIBE),
        allow(other.name, AclOperationTypes.DESCRIBE),
        allow(TOPICS.deadLetters.name, AclOperationTypes.DESCRIBE),
      ],
    });
    const { certificate, key } = await secured.issue('site-lyon');
    const bus = await open({ brokers: [secured.tls], tls: { ca: secured.ca, certificate, key } }, false);
    await bus.produce(own, [message('a', 'mine')]);
    await expect(bus.produce(other, [message('a', 'not mine')])).rejects.toMatchObject({
      code: 'BUS_FORBIDDEN',
    });
    // A right that is missing for one topic does not stop the others.
    expect(bus.congested()).toBe(false);
    await bus.produce(own, [message('a', 'mine again')]);
    expect((await readAll(maker, own)).map(textOf)).toEqual(['mine', 'mine again']);
    expect(await readAll(maker, other)).toEqual([]);
    await expect(bus.read({ topic: own, partition: 0, offset: 0, max_records: 1 })).rejects.toMatchObject({
      code: 'BUS_FORBIDDEN',
    });
  });

  test('refuses a certificate of another authority, one that is expired, and a client without one', async () => {
    const brokers = [secured.tls];
    for (const how of [{ foreign: true }, { not_after_days: -1 }]) {
      const { certificate, key } = await secured.issue('site-lyon', how);
      await expect(open({ brokers, tls: { ca: secured.ca, certificate, key } })).rejects.toMatchObject({
        code: 'BUS_AUTHENTICATION',
      });
    }
    await expect(open({ brokers, tls: { ca: secured.ca } })).rejects.toMatchObject({
      code: 'BUS_AUTHENTICATION',
    });
  });
});

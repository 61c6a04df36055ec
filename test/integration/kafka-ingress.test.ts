// A site that hands its batches in by its own topic at the centre's Kafka: taken as over the link, and nobody else may write there.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { openKafkaBus, openKafkaProducer } from '../../platform/bus/kafka/open-kafka-bus.ts';
import { systemClock } from '../../platform/core/clock.ts';
import { silentLogger } from '../../platform/core/log.ts';
import { commandTopic, ingressTopic, TOPICS } from '../../platform/core/topics.ts';
import { readRecording } from '../../server/commands/read-recording.ts';
import { sendRecords } from '../../server/commands/replay.ts';
import { writeSite } from '../server/site-files.ts';
import { clientOf, makeFolder, startPicket } from '../server/start-picket.ts';
import { findFreePorts } from '../services/free-port.ts';
import { kafkaAdmin } from '../services/kafka/admin.ts';
import type { ClientCertificate, SecuredListeners } from '../services/kafka/security.ts';
import { startKafka } from '../services/kafka.ts';
import { requireReal } from '../services/require-real.ts';
import { waitUntil } from '../services/wait-until.ts';
import { readSite, WITHOUT_SITE_EVENTS } from './demo-state.ts';

const RECORDINGS = join(import.meta.dirname, '..', '..', 'demo', 'recordings');

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

/** Files of a certificate, as a site's configuration names them. */
function writeTls(folder: string, ca: string, { certificate, key }: ClientCertificate) {
  const files = {
    ca_file: join(folder, 'kafka-ca.pem'),
    certificate_file: join(folder, 'kafka.crt'),
    key_file: join(folder, 'kafka.key'),
  };
  writeFileSync(files.ca_file, ca);
  writeFileSync(files.certificate_file, certificate);
  writeFileSync(files.key_file, key, { mode: 0o600 });
  return files;
}

/** What docs/kafka.md tells an operator to allow a site: to write its own ingress and to read its own commands. */
async function allowSite(admin: kafkajs.Admin, site: string): Promise<void> {
  const allow = (
    resourceType: kafkajs.AclResourceTypes,
    resourceName: string,
    operation: kafkajs.AclOperationTypes,
  ) => ({
    resourceType,
    resourceName,
    resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
    principal: `User:site-${site}`,
    host: '*',
    operation,
    permissionType: kafkajs.AclPermissionTypes.ALLOW,
  });
  const { TOPIC, GROUP } = kafkajs.AclResourceTypes;
  await admin.createAcls({
    acl: [
      allow(TOPIC, ingressTopic(site).name, kafkajs.AclOperationTypes.WRITE),
      allow(TOPIC, commandTopic(site).name, kafkajs.AclOperationTypes.READ),
      allow(GROUP, `site-${site}`, kafkajs.AclOperationTypes.READ),
    ],
  });
}

test('what a site writes into its topic is verified and worked at the centre; strangers and garbage are not', {
  timeout: 240_000,
}, async (context) => {
  requireReal(context, 'java', 'kafka', 'openssl');
  const kafka = await startKafka({ secured: true });
  undo.push(() => kafka.stop());
  const secured = kafka.secured as SecuredListeners;
  const { folder, remove } = makeFolder();
  undo.push(remove);
  const [link] = (await findFreePorts(1)) as [number];
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, secured.ca);
  const centre = writeSite({
    folder: join(folder, 'centre'),
    tier: 'centre',
    more: {
      link: { port: link },
      bus: {
        engine: 'kafka',
        brokers: [secured.sasl],
        tls: { ca_file: caFile },
        sasl: { mechanism: 'scram-sha-512', ...secured.admin },
        topics: { events_partitions: 4 },
        ingress: true,
      },
    },
  });
  const atCentre = await startPicket(['up', '--site', centre.file]);
  undo.push(() => atCentre.stop());
  const { bundle } = await clientOf(centre.data).call<{ bundle: string }>('POST', '/api/v1/sites', {
    id: 'lyon',
    tier: 'edge',
    jurisdiction: 'eu-fr',
  });
  const admin = await kafkaAdmin(kafka);
  undo.push(() => admin.disconnect());
  await allowSite(admin, 'lyon');
  const bundleFile = join(folder, 'bundle.txt');
  writeFileSync(bundleFile, bundle);
  const ingress = {
    brokers: [secured.tls],
    tls: writeTls(folder, secured.ca, await secured.issue('site-lyon')),
  };
  const edge = writeSite({
    folder: join(folder, 'lyon'),
    tier: 'edge',
    more: { parent: { bundle_file: bundleFile, ingress } },
  });
  const atEdge = await startPicket(['up', '--site', edge.file]);
  undo.push(() => atEdge.stop());

  const feed = async (): Promise<number> => {
    const records = readRecording({ file: join(RECORDINGS, 'falco.ndjson'), format: 'falco' });
    const totals = await sendRecords({
      api: clientOf(edge.data),
      source: 'falco',
      records,
      shift_ms: 0,
      replayed: false,
      pause_ms: 0,
    });
    return totals.events;
  };
  const fed = await feed();
  const countAt = async (data: string): Promise<number> =>
    (
      await clientOf(data).call<{ count: number }>('POST', '/api/v1/search/count', {
        query: WITHOUT_SITE_EVENTS,
      })
    ).count;
  await waitUntil({
    what: 'the events at the site',
    timeout_ms: 60_000,
    holds: async () => (await countAt(edge.data)) === fed,
  });
  await waitUntil({
    what: 'what may leave is at the centre',
    timeout_ms: 90_000,
    interval_ms: 500,
    holds: async () => (await countAt(centre.data)) > 0 && (await readSite(centre.data)).alerts.length > 0,
  });

  const openGateway = () =>
    openKafkaBus({
      connection: {
        brokers: [secured.sasl],
        client_id: 'test',
        tls: { ca: secured.ca },
        sasl: { mechanism: 'plain', ...secured.admin },
      },
      topics: { create: true, partitions: { [TOPICS.events.name]: 4 } },
      clock: systemClock,
      logger: silentLogger,
    });
  const gateway = await openGateway();
  undo.push(() => gateway.close());
  // It came through the topic, and what the site says was taken is its own.
  const [bounds] = await gateway.bounds(ingressTopic('lyon'));
  expect(bounds?.next).toBeGreaterThan(0);
  await waitUntil({
    what: 'the site reads its commands',
    timeout_ms: 30_000,
    holds: async () => (await gateway.lag('site-lyon'))[commandTopic('lyon').name] === 0,
  });
  const state = await readSite(centre.data);
  expect(state.events.every((event) => event.startsWith('lyon '))).toBe(true);

  const { certificate, key } = await secured.issue('site-shenzhen');
  const stranger = await openKafkaProducer({
    connection: { brokers: [secured.tls], client_id: 'stranger', tls: { ca: secured.ca, certificate, key } },
    topics: { create: false },
    clock: systemClock,
    logger: silentLogger,
  });
  undo.push(() => stranger.close());
  const garbage = [{ key: 'lyon', value: Buffer.from('no batch at all'), headers: {} }];
  for (const topic of [ingressTopic('lyon'), TOPICS.events]) {
    await expect(
      stranger.produce({ ...topic, partitions: topic === TOPICS.events ? 4 : 1 }, garbage),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/^BUS_(?:FORBIDDEN|TOPIC_MISSING)$/),
    });
  }

  await gateway.produce(ingressTopic('lyon'), garbage);
  await waitUntil({
    what: 'the garbage is a dead letter',
    timeout_ms: 30_000,
    holds: async () =>
      (await readSite(centre.data)).deadLetters.some((letter) =>
        letter.startsWith('link LINK_BATCH_INVALID'),
      ),
  });
  const before = await countAt(centre.data);
  const again = readRecording({
    file: join(RECORDINGS, 'kubernetes-audit.ndjson'),
    format: 'kubernetes-audit',
  });
  await sendRecords({
    api: clientOf(edge.data),
    source: 'kubernetes',
    records: again,
    shift_ms: 0,
    replayed: false,
    pause_ms: 0,
  });
  await waitUntil({
    what: 'what comes behind the garbage is taken',
    timeout_ms: 60_000,
    holds: async () => (await countAt(centre.data)) > before,
  });
});

// Batches that sites hand in by their own topic: taken once and in order; garbage is put aside, a gap in the chain waits.
import { createPublicKey } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { listDeadLetters } from '../../../platform/bus/replay-dead-letters.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { SCHEMA_VERSION } from '../../../platform/core/schema-version.ts';
import type { SiteRecord } from '../../../platform/core/site.ts';
import { ingressTopic, siteOfIngress, TOPICS } from '../../../platform/core/topics.ts';
import { publicKeyBase64 } from '../../../platform/identity/keys.ts';
import { openSiteKeys, type SiteKeys } from '../../../platform/identity/site-identity.ts';
import { decodeBatch, encodeBatch } from '../../../platform/link/batch.ts';
import { handInBatches } from '../../../platform/link/hand-in-batches.ts';
import { FIRST_PREVIOUS } from '../../../platform/link/protocol.ts';
import { INGRESS_GROUP, type Ingress, startIngress } from '../../../platform/link/take-ingress.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import { type RecordStore, upsertRecord } from '../../../platform/records/record-store.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { CENTRE, compile, makeFolder, SITE, TENANT } from './two-sites.ts';

const TOPIC = ingressTopic(SITE.id);

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

interface Gateway {
  readonly bus: Bus;
  readonly records: RecordStore;
  readonly counters: Counters;
  readonly keys: SiteKeys;
  start(): Ingress;
}

async function open(): Promise<Gateway> {
  const folder = makeFolder();
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const keys = await openSiteKeys({ folder: join(folder, 'keys') });
  const bus = await openEmbeddedBus({ folder: join(folder, 'bus'), clock: systemClock });
  undo.push(() => bus.close());
  const records = await openEmbeddedRecords({ folder: join(folder, 'records'), clock: systemClock });
  undo.push(() => records.close());
  await bus.ensureTopics([...Object.values(TOPICS), TOPIC]);
  const site: SiteRecord = {
    schema: 1,
    id: SITE.id,
    name: 'Lyon',
    tenant: TENANT,
    tier: 'edge',
    jurisdiction: SITE.jurisdiction,
    state: 'enrolled',
    created: '2026-11-23T10:00:00.000Z',
    signing_key: publicKeyBase64(keys.signingKey),
  };
  await records.create('sites', SITE.id, site);
  const counters = new Counters();
  return {
    bus,
    records,
    counters,
    keys,
    start() {
      const ingress = startIngress({
        bus,
        records,
        tenant: TENANT,
        residency: { jurisdiction: CENTRE.jurisdiction, policies: new Map([['eu-fr', compile()]]) },
        clock: systemClock,
        counters,
        logger: silentLogger,
      });
      undo.push(() => ingress.stop());
      return ingress;
    },
  };
}

/** Signed batches of one record each that follow one another. */
function chain(keys: SiteKeys, length: number): Buffer[] {
  const bodies: Buffer[] = [];
  let previous = FIRST_PREVIOUS;
  for (let sequence = 1; sequence <= length; sequence++) {
    const { body, hash } = encodeBatch({
      header: {
        schema: SCHEMA_VERSION,
        tenant: TENANT,
        site: SITE.id,
        jurisdiction: SITE.jurisdiction,
        destination: CENTRE.jurisdiction,
        sequence,
        previous,
        made: '2026-11-23T10:00:00.000Z',
        policy_version: '1',
      },
      lines: [JSON.stringify({ kind: 'residency', document: ledgerEntry(sequence) })],
      key: keys.signingKey,
    });
    bodies.push(body);
    previous = hash;
  }
  return bodies;
}

function ledgerEntry(nth: number) {
  return {
    schema: SCHEMA_VERSION,
    id: `entry-${nth}`,
    tenant: TENANT,
    site: SITE.id,
    jurisdiction: SITE.jurisdiction,
    destination: CENTRE.jurisdiction,
    from: '2026-11-23T10:00:00.000Z',
    to: '2026-11-23T10:00:05.000Z',
    policy_version: '1',
    counts: [],
    fields: [],
  };
}

async function taken(bus: Bus): Promise<string[]> {
  const records = await bus.read({ topic: TOPICS.residency, partition: 0, offset: 0, max_records: 100 });
  return records.map(({ value }) => (JSON.parse(Buffer.from(value).toString('utf8')) as { id: string }).id);
}

async function handIn(gateway: Gateway, bodies: readonly Buffer[]): Promise<void> {
  const { bus, counters } = gateway;
  const send = handInBatches({ bus, site: SITE.id, clock: systemClock, counters, logger: silentLogger });
  for (const body of bodies) await send(body, new AbortController().signal);
}

function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  return waitUntil({ what, holds, timeout_ms: 20_000, interval_ms: 20 });
}

describe('what sites hand in by Kafka', () => {
  test('a topic names its site, and no other topic does', () => {
    expect(siteOfIngress(ingressTopic('lyon').name)).toBe('lyon');
    expect(siteOfIngress(TOPICS.events.name)).toBeUndefined();
  });

  test('is taken in order, and what comes again after a fault changes nothing', async () => {
    const gateway = await open();
    await handIn(gateway, chain(gateway.keys, 3));
    const ingress = gateway.start();
    await until('three', async () => (await taken(gateway.bus)).length === 3);
    await ingress.stop();
    await gateway.bus.seek({ group: INGRESS_GROUP, topic: TOPIC, offsets: [0] });
    gateway.start();
    await until('no lag', async () => (await gateway.bus.lag(INGRESS_GROUP))[TOPIC.name] === 0);
    expect(await taken(gateway.bus)).toEqual(['entry-1', 'entry-2', 'entry-3']);
    expect(gateway.counters.total('link', 'batch-redelivered')).toBe(2);
    expect(gateway.counters.total('link', 'batch-duplicate')).toBe(1);
    expect(await gateway.records.count('audit')).toBe(0);
  });

  test('that is no batch of the site becomes a dead letter, and what is behind it is taken', async () => {
    const gateway = await open();
    const stranger = makeFolder();
    undo.push(() => rmSync(stranger, { recursive: true, force: true }));
    const [forged] = chain(await openSiteKeys({ folder: stranger }), 1);
    const [first] = chain(gateway.keys, 1);
    await handIn(gateway, [Buffer.from('garbage'), forged as Buffer, first as Buffer]);
    gateway.start();
    await until('the real one', async () => (await taken(gateway.bus)).length === 1);
    const letters = await listDeadLetters({ bus: gateway.bus, filter: { stage: 'link' } });
    expect(letters.map(({ code }) => code)).toEqual(['LINK_BATCH_INVALID', 'SIGNATURE_KEY_UNKNOWN']);
    expect(Buffer.from(letters[0]?.message.value ?? []).toString('utf8')).toBe('garbage');
  });

  test('with a gap in its chain waits in its topic, is said, and goes on when the missing batch is there', async () => {
    const gateway = await open();
    const bodies = chain(gateway.keys, 3);
    await handIn(gateway, [bodies[0] as Buffer, bodies[2] as Buffer]);
    gateway.start();
    await until('the gap', () => gateway.counters.total('link', 'batch-refused:LINK_BATCH_GAP') > 1);
    expect(await taken(gateway.bus)).toEqual(['entry-1']);
    expect((await gateway.bus.lag(INGRESS_GROUP))[TOPIC.name]).toBeGreaterThan(0);
    expect(await gateway.records.count('audit')).toBe(1);
    // The chain is mended as after a restore: an operator sets what was taken last.
    const before = await gateway.records.get<SiteRecord>('sites', SITE.id);
    expect(before?.value.batch?.sequence).toBe(1);
    const { hash } = decodeBatch({
      body: bodies[1] as Buffer,
      keys: [createPublicKey(gateway.keys.signingKey)],
    });
    await upsertRecord<SiteRecord>({
      store: gateway.records,
      collection: 'sites',
      id: SITE.id,
      change: (current) => (current ? { ...current, batch: { sequence: 2, hash } } : undefined),
    });
    await until('the third', async () => (await taken(gateway.bus)).length === 2);
  });

  test('by a site that was cut off is not taken any more', async () => {
    const gateway = await open();
    const other = { ...SITE, id: 'cut-off' };
    const enrolled = await gateway.records.get<SiteRecord>('sites', SITE.id);
    const value = { ...(enrolled?.value as SiteRecord), id: other.id };
    const record = await gateway.records.create('sites', other.id, value);
    const [first] = chain(gateway.keys, 1);
    gateway.start();
    await until(
      'its topic is consumed',
      async () => ingressTopic(other.id).name in (await gateway.bus.lag(INGRESS_GROUP)),
    );
    // Between the look at who is enrolled and the batch.
    await gateway.records.update('sites', { ...record, value: { ...value, state: 'revoked' } });
    await gateway.bus.produce(ingressTopic(other.id), [
      { key: other.id, value: first as Buffer, headers: {} },
    ]);
    await gateway.records.get('sites', other.id);
    await until('it is put aside, or nobody reads it', async () => {
      const letters = await listDeadLetters({ bus: gateway.bus, filter: { stage: 'link' } });
      const lag = await gateway.bus.lag(INGRESS_GROUP);
      return (
        letters.some(({ code }) => code === 'SITE_REVOKED') || (lag[ingressTopic(other.id).name] ?? 0) > 0
      );
    });
    expect(await taken(gateway.bus)).toEqual([]);
  });
});

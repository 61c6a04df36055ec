// The uplink survives a crash at any step: what may leave is taken once, and every decision is counted once.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { ResidencyLedgerEntry } from '../../../platform/core/residency-ledger.ts';
import type { SiteRecord } from '../../../platform/core/site.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { publicKeyBase64 } from '../../../platform/identity/keys.ts';
import { openSiteKeys, type SiteKeys } from '../../../platform/identity/site-identity.ts';
import { encodeBatch } from '../../../platform/link/batch.ts';
import { type BatchAnswer, FIRST_PREVIOUS } from '../../../platform/link/protocol.ts';
import { takeBatch } from '../../../platform/link/take-batch.ts';
import { startUplink, type Uplink, type UplinkStep } from '../../../platform/link/uplink.ts';
import {
  loadUplinkState,
  saveUplinkState,
  startOnNewBus,
  uplinkPosition,
} from '../../../platform/link/uplink-state.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeEvent } from './records.ts';
import { CENTRE, compile, makeFolder, readTopic, SITE, TENANT } from './two-sites.ts';

interface End {
  bus: Bus;
  records: RecordStore;
  close(): Promise<void>;
}

async function openEnd(folder: string): Promise<End> {
  const bus = await openEmbeddedBus({ folder: join(folder, 'bus'), clock: systemClock });
  await bus.ensureTopics(Object.values(TOPICS));
  const records = await openEmbeddedRecords({ folder: join(folder, 'records'), clock: systemClock });
  return {
    bus,
    records,
    close: async () => {
      await bus.close();
      await records.close();
    },
  };
}

function siteRecord(keys: SiteKeys): SiteRecord {
  return {
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
}

function takeAt(
  parent: End,
  keys: SiteKeys,
  counters = new Counters(),
): (body: Buffer) => Promise<BatchAnswer> {
  const residency = { jurisdiction: CENTRE.jurisdiction, policies: new Map([['eu-fr', compile()]]) };
  return (body) =>
    takeBatch({
      ...parent,
      tenant: TENANT,
      residency,
      clock: systemClock,
      counters,
      logger: silentLogger,
      site: siteRecord(keys),
      body,
    });
}

function start(options: {
  child: End;
  keys: SiteKeys;
  send: (body: Buffer) => Promise<BatchAnswer>;
  reached?: (step: UplinkStep) => Promise<void>;
}): Promise<Uplink> {
  const { child, keys, send, reached } = options;
  return startUplink({
    ...child,
    site: SITE,
    destination: CENTRE.jurisdiction,
    policy: compile(keys.residencyKey),
    signingKey: keys.signingKey,
    chain: { id: 'one', sequence: 0, hash: FIRST_PREVIOUS },
    detects: true,
    clock: systemClock,
    counters: new Counters(),
    logger: silentLogger,
    bounds: { max_records: 3 },
    ledger_ms: 10,
    send,
    ...(reached ? { reached } : {}),
  });
}

const STEPS: readonly UplinkStep[] = ['prepared', 'stored', 'acknowledged', 'published', 'settled'];

describe('the uplink', () => {
  it('takes each record once and counts each decision once, wherever it crashes and whatever answer is lost', async () => {
    const homes = [makeFolder()];
    const keys = await openSiteKeys({ folder: join(homes[0] as string, 'keys') });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.integer({ min: 1, max: 4 })), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.array(fc.boolean(), { maxLength: 6 }),
        fc.integer({ min: 1, max: 12 }),
        async (crashes, lostAnswers, total) => {
          const [home, away] = [makeFolder(), makeFolder()];
          const parent = await openEnd(away);
          await parent.records.create('sites', SITE.id, siteRecord(keys));
          const take = takeAt(parent, keys);
          const lost = [...lostAnswers];
          const send = async (body: Buffer): Promise<BatchAnswer> => {
            const taken = await take(body);
            // The answer is lost: the same batch goes again, as the client does.
            return lost.pop() ? take(body) : taken;
          };
          let child = await openEnd(home);
          for (let at = 0; at < total; at++) {
            const event = makeEvent({ id: `e-${at}`, class: at % 3 === 2 ? 'system-log' : 'network-flow' });
            await child.bus.produce(TOPICS.events, [
              { key: String(at), value: Buffer.from(JSON.stringify(event)), headers: {} },
            ]);
          }
          for (const [step, after] of crashes) {
            let left = after;
            let crashed = false;
            const uplink = await start({
              child,
              keys,
              send,
              reached: async (here) => {
                if (crashed) throw new Error('crashed');
                if (here !== step || --left > 0) return;
                crashed = true;
                throw new Error('crashed');
              },
            });
            await Promise.race([
              waitUntil({ what: 'crash', holds: () => crashed, timeout_ms: 10_000, interval_ms: 2 }),
              new Promise((resolve) => setTimeout(resolve, 150)),
            ]).catch(() => undefined);
            crashed = true;
            await uplink.stop();
            await child.close();
            child = await openEnd(home);
          }
          const uplink = await start({ child, keys, send });
          const ledger = async (): Promise<ResidencyLedgerEntry[]> => {
            const all = (await readTopic(parent.bus, TOPICS.residency)) as unknown as ResidencyLedgerEntry[];
            return [...new Map(all.map((entry) => [entry.id, entry])).values()];
          };
          const counted = (entries: ResidencyLedgerEntry[]): number =>
            entries.flatMap(({ counts }) => counts).reduce((sum, { records }) => sum + records, 0);
          await waitUntil({
            what: 'all counted',
            holds: async () => counted(await ledger()) >= total,
            timeout_ms: 10_000,
            interval_ms: 5,
          });
          const ids = (await readTopic(parent.bus, TOPICS.events)).map(
            (event) => (event['event'] as { id: string }).id,
          );
          const wanted = Array.from({ length: total }, (_, at) => `e-${at}`).filter((_, at) => at % 3 !== 2);
          await uplink.stop();
          const entries = await ledger();
          await child.close();
          await parent.close();
          rmSync(home, { recursive: true, force: true });
          rmSync(away, { recursive: true, force: true });
          expect(ids.sort()).toEqual(wanted.sort());
          expect(counted(entries)).toBe(total);
        },
      ),
      { numRuns: 12, endOnFailure: true },
    );
    for (const home of homes) rmSync(home, { recursive: true, force: true });
  }, 120_000);
});

describe('the uplink of a bus that was made anew', () => {
  it('sends what the new bus holds, though its offsets were sent before', async () => {
    const [home, away] = [makeFolder(), makeFolder()];
    const keys = await openSiteKeys({ folder: join(home, 'keys') });
    const parent = await openEnd(away);
    await parent.records.create('sites', SITE.id, siteRecord(keys));
    const send = takeAt(parent, keys);
    const arrived = async (): Promise<string[]> =>
      (await readTopic(parent.bus, TOPICS.events))
        .map((event) => (event['event'] as { id: string }).id)
        .sort();
    const feed = async (child: End, ids: readonly string[]): Promise<void> => {
      const messages = ids.map((id) => ({
        key: 'one source',
        value: Buffer.from(JSON.stringify(makeEvent({ id, class: 'network-flow' }))),
        headers: {},
      }));
      await child.bus.produce(TOPICS.events, messages);
    };
    const until = (what: string, count: number): Promise<void> =>
      waitUntil({ what, holds: async () => (await arrived()).length === count, timeout_ms: 10_000 });

    let child = await openEnd(home);
    await feed(child, ['a', 'b', 'c']);
    let uplink = await start({ child, keys, send });
    await until('the first three', 3);
    await uplink.stop();
    await child.close();
    rmSync(join(home, 'bus'), { recursive: true });
    child = await openEnd(home);
    uplink = await start({ child, keys, send });
    await feed(child, ['d']);
    await until('the one of the new bus', 4);
    expect(await arrived()).toEqual(['a', 'b', 'c', 'd']);
    await uplink.stop();
    await child.close();
    await parent.close();
    rmSync(home, { recursive: true, force: true });
    rmSync(away, { recursive: true, force: true });
  });
});

describe('the uplink of a bus that was moved elsewhere', () => {
  it.each(STEPS)('sends and counts each record once, wherever it stood (%s)', async (step) => {
    const [home, away] = [makeFolder(), makeFolder()];
    const keys = await openSiteKeys({ folder: join(home, 'keys') });
    const parent = await openEnd(away);
    await parent.records.create('sites', SITE.id, siteRecord(keys));
    const send = takeAt(parent, keys);
    const child = await openEnd(home);
    const total = 11;
    const messages = Array.from({ length: total }, (_, at) => ({
      key: String(at),
      value: Buffer.from(JSON.stringify(makeEvent({ id: `e-${at}`, class: 'network-flow' }))),
      headers: {},
    }));
    await child.bus.produce(TOPICS.events, messages);
    let left = 2;
    let crashed = false;
    let uplink = await start({
      child,
      keys,
      send,
      reached: async (here) => {
        if (!crashed && (here !== step || --left > 0)) return;
        crashed = true;
        throw new Error('crashed');
      },
    });
    await waitUntil({ what: 'crash', holds: () => crashed, timeout_ms: 10_000, interval_ms: 2 });
    await uplink.stop();
    // As picket migrate does: what is left goes to the new bus, and the state begins there.
    const state = await loadUplinkState(child.records);
    const bus = await openEmbeddedBus({ folder: join(home, 'new-bus'), clock: systemClock });
    await bus.ensureTopics(Object.values(TOPICS));
    for (const topic of [TOPICS.events, TOPICS.residency])
      for (const [partition] of (await child.bus.bounds(topic)).entries()) {
        const offset = uplinkPosition(state, topic.name, partition) ?? 0;
        await bus.produce(topic, await child.bus.read({ topic, partition, offset, max_records: 1_000 }));
      }
    await saveUplinkState(child.records, startOnNewBus(state, 1_700_000_000_000));
    uplink = await start({ child: { ...child, bus }, keys, send });
    const ledger = async (): Promise<number> => {
      const all = (await readTopic(parent.bus, TOPICS.residency)) as unknown as ResidencyLedgerEntry[];
      const entries = [...new Map(all.map((entry) => [entry.id, entry])).values()];
      return entries.flatMap(({ counts }) => counts).reduce((sum, { records }) => sum + records, 0);
    };
    await waitUntil({
      what: 'all counted',
      holds: async () => (await ledger()) >= total,
      timeout_ms: 10_000,
      interval_ms: 5,
    });
    await uplink.stop();
    const ids = (await readTopic(parent.bus, TOPICS.events)).map(
      (event) => (event['event'] as { id: string }).id,
    );
    expect(ids.sort()).toEqual(messages.map((_, at) => `e-${at}`).sort());
    expect(await ledger()).toBe(total);
    await bus.close();
    await child.close();
    await parent.close();
    rmSync(home, { recursive: true, force: true });
    rmSync(away, { recursive: true, force: true });
  });
});

describe('the parent', () => {
  it('refuses a batch that was altered, forked, replayed, skipped or made for another, and quarantines a breach', async () => {
    const [home, away] = [makeFolder(), makeFolder()];
    const keys = await openSiteKeys({ folder: join(home, 'keys') });
    const thief = await openSiteKeys({ folder: join(home, 'thief') });
    const parent = await openEnd(away);
    await parent.records.create('sites', SITE.id, siteRecord(keys));
    const counters = new Counters();
    const take = takeAt(parent, keys, counters);
    const line = (id: string, more: object = {}): string =>
      JSON.stringify({ kind: 'event', document: { ...makeEvent({ id }), ...more } });
    const make = (
      sequence: number,
      previous: string,
      lines: string[],
      more: object = {},
      key = keys,
    ): { body: Buffer; hash: string } =>
      encodeBatch({
        header: {
          schema: 1,
          tenant: TENANT,
          site: SITE.id,
          jurisdiction: SITE.jurisdiction,
          destination: CENTRE.jurisdiction,
          sequence,
          previous,
          made: '2026-11-23T10:00:00.000Z',
          policy_version: 'p',
          ...more,
        },
        lines,
        key: key.signingKey,
      });
    const first = make(1, FIRST_PREVIOUS, [line('e-1')]);
    expect(await take(first.body)).toMatchObject({ outcome: 'taken' });
    expect(await take(first.body)).toMatchObject({ outcome: 'duplicate' });
    const altered = Buffer.from(make(2, first.hash, [line('e-2')]).body);
    altered[altered.length - 6] = (altered[altered.length - 6] as number) ^ 1;
    await expect(take(altered)).rejects.toMatchObject({
      code: expect.stringMatching(/^(LINK_BATCH_INVALID|SIGNATURE_)/),
    });
    await expect(take(make(1, FIRST_PREVIOUS, [line('other')]).body)).rejects.toMatchObject({
      code: 'LINK_BATCH_FORK',
    });
    await expect(take(make(2, '1'.repeat(64), [line('e-2')]).body)).rejects.toMatchObject({
      code: 'LINK_BATCH_FORK',
    });
    await expect(take(make(9, first.hash, [line('e-2')]).body)).rejects.toMatchObject({
      code: 'LINK_BATCH_GAP',
    });
    await expect(take(make(2, first.hash, [line('e-2')], {}, thief).body)).rejects.toMatchObject({
      code: 'SIGNATURE_KEY_UNKNOWN',
    });
    await expect(take(make(2, first.hash, [line('e-2')], { site: 'elsewhere' }).body)).rejects.toMatchObject({
      code: 'LINK_BATCH_FOREIGN',
    });
    await expect(
      take(make(2, first.hash, [line('e-2')], { jurisdiction: 'cn-gd' }).body),
    ).rejects.toMatchObject({ code: 'LINK_BATCH_FOREIGN' });
    expect(await parent.records.count('audit')).toBe(3);

    const picket = makeEvent({ id: 'x', class: 'authentication' })['picket'] as object;
    const mixed = make(2, first.hash, [
      line('e-2'),
      line('secret', { picket }),
      line('foreign', {
        picket: { ...picket, class: 'network-flow', site: { id: 'elsewhere', tier: 'edge' } },
      }),
      '{"kind":"event","document":{}}',
      'not json',
    ]);
    expect(await take(mixed.body)).toMatchObject({ outcome: 'taken' });
    const third = make(3, mixed.hash, [line('e-3')]);
    await take(third.body);
    await expect(take(first.body)).rejects.toMatchObject({ code: 'LINK_BATCH_REPLAYED' });
    const ids = (await readTopic(parent.bus, TOPICS.events)).map(
      (event) => (event['event'] as { id: string }).id,
    );
    expect(ids.sort()).toEqual(['e-1', 'e-2', 'e-3']);
    expect(counters.total('link', 'RESIDENCY_BREACH')).toBe(1);
    expect(counters.total('link', 'LINK_RECORD_FOREIGN')).toBe(1);
    expect(counters.total('link', 'LINK_RECORD_INVALID')).toBe(2);
    const [dead] = await parent.bus.bounds(TOPICS.deadLetters);
    expect(dead?.next).toBe(4);
    await parent.close();
    rmSync(home, { recursive: true, force: true });
    rmSync(away, { recursive: true, force: true });
  });
});

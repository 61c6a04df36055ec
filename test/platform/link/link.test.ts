// The link between a site and its parent over real TLS on loopback.
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { Posture } from '../../../platform/core/posture.ts';
import type { ResidencyLedgerEntry } from '../../../platform/core/residency-ledger.ts';
import type { SiteRecord } from '../../../platform/core/site.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { decodeBundle, encodeBundle } from '../../../platform/identity/messages.ts';
import { publishPosture } from '../../../platform/link/publish-posture.ts';
import { startLedgerKeeper } from '../../../platform/residency/ledger-keeper.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeAlert, makeEvent } from './records.ts';
import {
  type Child,
  invite,
  makeFolder,
  openChild,
  openParent,
  type Parent,
  readTopic,
  SITE,
  TENANT,
} from './two-sites.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close();
});

async function pair(): Promise<{ parent: Parent; child: Child; bundle: string }> {
  const parent = await openParent();
  open.push(parent);
  const { bundle } = await invite(parent);
  const child = await openChild({ bundle });
  open.push(child);
  await until('connected', () => child.link.state().state === 'connected');
  return { parent, child, bundle };
}

const until = (what: string, holds: () => Promise<boolean> | boolean): Promise<void> =>
  waitUntil({ what, holds, timeout_ms: 15_000, interval_ms: 20 });

async function emit(child: Child, events: object[]): Promise<void> {
  await child.bus.produce(
    TOPICS.events,
    events.map((event, at) => ({ key: String(at), value: Buffer.from(JSON.stringify(event)), headers: {} })),
  );
}

function makePosture(version: number, more: Partial<Posture> = {}): Posture {
  const issued = new Date().toISOString();
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  return { schema: 1, tenant: TENANT, site: SITE.id, version, issued, expires, entries: [], ...more };
}

async function siteRecord(parent: Parent): Promise<SiteRecord> {
  return (await parent.records.get<SiteRecord>('sites', SITE.id))?.value as SiteRecord;
}

describe('a site and its parent', () => {
  it('enrols, sends what may leave with the parent addressing it, and keeps back what may not', async () => {
    const { parent, child } = await pair();
    await emit(child, [
      makeEvent({
        id: 'flow-1',
        fields: { destination: { ip: '82.118.225.196' }, source: { ip: '172.16.238.10' } },
      }),
      makeEvent({ id: 'login-1', class: 'authentication', dataset: 'windows.security' }),
      makeEvent({ id: 'log-1', class: 'system-log', dataset: 'syslog.log' }),
    ]);
    await child.bus.produce(TOPICS.alerts, [
      { key: 'a-1', value: Buffer.from(JSON.stringify(makeAlert({ id: 'a-1' }))), headers: {} },
    ]);
    await until(
      'both came',
      async () =>
        (await readTopic(parent.bus, TOPICS.events)).length > 0 &&
        (await readTopic(parent.bus, TOPICS.alerts)).length > 0,
    );
    await until('ledger came', async () => (await readTopic(parent.bus, TOPICS.residency)).length > 0);
    const events = await readTopic(parent.bus, TOPICS.events);
    expect(events.map((event) => (event['event'] as { id: string }).id)).toEqual(['flow-1']);
    expect(events[0]).toMatchObject({
      destination: { ip: '82.118.225.196' },
      source: { ip: '172.16.238.10' },
    });
    const [partition] = (await parent.bus.bounds(TOPICS.events)).flatMap(({ next }, at) =>
      next > 0 ? [at] : [],
    );
    const [record] = await parent.bus.read({
      topic: TOPICS.events,
      partition: partition as number,
      offset: 0,
      max_records: 1,
    });
    expect(record?.headers).toMatchObject({
      id: 'flow-1',
      site: SITE.id,
      jurisdiction: 'eu-fr',
      class: 'network-flow',
      detected: '1',
    });
    await until('heard', async () => (await siteRecord(parent)).heartbeat !== undefined);
    expect(await siteRecord(parent)).toMatchObject({
      state: 'enrolled',
      batch: { sequence: expect.any(Number) },
    });
  });

  it('counts every decision once into the ledger of both ends', async () => {
    const { parent, child } = await pair();
    const keepers = [parent, child].map(({ bus, records }) =>
      startLedgerKeeper({ bus, records, logger: silentLogger }),
    );
    open.push({ close: async () => void (await Promise.all(keepers.map((keeper) => keeper.stop()))) });
    await emit(child, [makeEvent({ id: 'flow-1' }), makeEvent({ id: 'log-1', class: 'system-log' })]);
    const sum = async (end: Parent | Child): Promise<Record<string, number>> => {
      const { records } = await end.records.query<ResidencyLedgerEntry>('residency-ledger', { limit: 100 });
      const total: Record<string, number> = { left: 0, stayed: 0 };
      for (const row of records.flatMap(({ value }) => value.counts))
        total[row.outcome] = (total[row.outcome] ?? 0) + row.records;
      return total;
    };
    for (const end of [parent, child]) {
      await until('kept', async () => Object.values(await sum(end)).every((count) => count > 0));
    }
    await until('settled', async () => (await child.link.spool()).records === 0);
    expect(await sum(parent)).toEqual({ left: 1, stayed: 1 });
    expect(await sum(child)).toEqual({ left: 1, stayed: 1 });
  });

  it('goes on while the parent is away and sends everything once when it is back', async () => {
    const { parent, child } = await pair();
    await emit(child, [makeEvent({ id: 'before' })]);
    await until('first', async () => (await readTopic(parent.bus, TOPICS.events)).length === 1);
    await parent.server.close();
    await until('noticed', () => child.link.state().state !== 'connected');
    for (let at = 0; at < 20; at++) await emit(child, [makeEvent({ id: `away-${at}` })]);
    await parent.restart();
    await until('all', async () => (await readTopic(parent.bus, TOPICS.events)).length >= 21);
    await until('spool empty', async () => (await child.link.spool()).records === 0);
    const ids = (await readTopic(parent.bus, TOPICS.events)).map(
      (event) => (event['event'] as { id: string }).id,
    );
    expect(ids.sort()).toEqual(['before', ...Array.from({ length: 20 }, (_, at) => `away-${at}`)].sort());
  });

  it('brings signed postures down at once and at the next connect, newest only', async () => {
    const { parent, child } = await pair();
    await publishPosture({ records: parent.records, authority: parent.authority, posture: makePosture(1) });
    await until('first', () => child.postures.length === 1);
    await parent.server.close();
    await publishPosture({ records: parent.records, authority: parent.authority, posture: makePosture(2) });
    await publishPosture({ records: parent.records, authority: parent.authority, posture: makePosture(3) });
    await parent.restart();
    await until('newest', () => child.postures.at(-1)?.version === 3);
    expect(child.postures.map(({ version }) => version)).toEqual([1, 3]);
    await expect(
      publishPosture({ records: parent.records, authority: parent.authority, posture: makePosture(3) }),
    ).rejects.toMatchObject({ code: 'POSTURE_VERSION_STALE' });
  });

  it('refuses a posture that ran out, is for another site, or was altered', async () => {
    const { parent, child } = await pair();
    const past = new Date(Date.now() - 1_000).toISOString();
    await publishPosture({
      records: parent.records,
      authority: parent.authority,
      posture: makePosture(1, { expires: past }),
    });
    await until('expired', () => child.refused.includes('POSTURE_EXPIRED'));
    const foreign = {
      ...parent.authority.sign('picket/posture/1', makePosture(2, { site: 'elsewhere' })),
      version: 2,
    };
    const stored = await parent.records.get('postures', SITE.id);
    await parent.records.update('postures', { ...(stored as NonNullable<typeof stored>), value: foreign });
    await until('foreign', () => child.refused.includes('POSTURE_FOREIGN'));
    const signed = parent.authority.sign('picket/posture/1', makePosture(3));
    const altered = { ...signed, payload: signed.payload.replace('"version":3', '"version":4'), version: 4 };
    const again = await parent.records.get('postures', SITE.id);
    await parent.records.update('postures', { ...(again as NonNullable<typeof again>), value: altered });
    await until('altered', () => child.refused.includes('SIGNATURE_INVALID'));
    expect(child.postures).toEqual([]);
  });

  it('takes posture reports into the record of the site', async () => {
    const { parent, child } = await pair();
    const report = {
      schema: 1,
      tenant: TENANT,
      site: SITE.id,
      version: 7,
      at: new Date().toISOString(),
      entries: [],
    };
    await child.bus.produce(TOPICS.postureReports, [
      { key: SITE.id, value: Buffer.from(JSON.stringify(report)), headers: {} },
    ]);
    await until('reported', async () => (await siteRecord(parent)).posture !== undefined);
    expect((await siteRecord(parent)).posture).toMatchObject({ version: 7 });
  });

  it('stops with a clear state when it is revoked, and returns by a new bundle with its history', async () => {
    const { parent, child } = await pair();
    await emit(child, [makeEvent({ id: 'before' })]);
    await until('sent', async () => (await readTopic(parent.bus, TOPICS.events)).length === 1);
    await parent.authority.revoke(SITE.id);
    await until('stopped', () => child.link.state().state === 'stopped');
    expect(child.link.state().code).toBe('SITE_REVOKED');
    const { sequence } = (await siteRecord(parent)).batch as { sequence: number };
    const { bundle } = await invite(parent);
    const again = await openChild({ bundle });
    open.push(again);
    await until('back', () => again.link.state().state === 'connected');
    await emit(again, [makeEvent({ id: 'after' })]);
    await until('sent again', async () => (await readTopic(parent.bus, TOPICS.events)).length === 2);
    expect((await siteRecord(parent)).batch?.sequence).toBeGreaterThan(sequence);
  });

  it('refuses to enrol at a parent whose authority is another one', async () => {
    const parent = await openParent();
    open.push(parent);
    const { bundle } = await invite(parent);
    const forged = decodeBundle(bundle);
    const child = await openChild({
      bundle: encodeBundle({ ...forged, parent: { ...forged.parent, ca_fingerprint: '0'.repeat(64) } }),
    });
    open.push(child);
    await until('stopped', () => child.link.state().state === 'stopped');
    expect(child.link.state().code).toBe('LINK_PIN_MISMATCH');
    expect((await siteRecord(parent)).state).toBe('invited');
  });

  it('stops a second place that shows a used token, and one whose token ran out', async () => {
    const { parent, bundle } = await pair();
    const thief = await openChild({ bundle });
    open.push(thief);
    await until('stopped', () => thief.link.state().state === 'stopped');
    expect(thief.link.state().code).toBe('TOKEN_USED');
    const { bundle: late } = await parent.authority.invite({
      site: SITE.id,
      name: 'Lyon',
      tier: 'edge',
      jurisdiction: SITE.jurisdiction,
      parent: { site: 'centre', jurisdiction: 'eu-de', url: parent.server.url },
      token_lifetime_ms: -1,
    });
    const slow = await openChild({ bundle: late });
    open.push(slow);
    await until('stopped too', () => slow.link.state().state === 'stopped');
    expect(slow.link.state().code).toBe('TOKEN_EXPIRED');
  });

  it('returns by its batch key when its certificate ran out while it was cut off', async () => {
    const folder = makeFolder();
    // The site was enrolled three days ago, by the parent's clock of then.
    const past = { ...systemClock, now: () => Date.now() - 3 * 86_400_000 };
    const first = await openParent({ clock: past, folder });
    const { bundle } = await invite(first);
    const home = makeFolder();
    const child = await openChild({ bundle, folder: home });
    await until('enrolled', () => child.keys.enrolment() !== undefined);
    const old = child.keys.enrolment()?.issued.certificate;
    // With the machine's own clock the certificate is past at once: the client renews before it connects.
    await until(
      'connected',
      () => child.link.state().state === 'connected' || child.link.state().state === 'waiting',
    );
    await child.close();
    await first.close();
    const parent = await openParent({ folder });
    open.push(parent);
    const moved = await openChild({ folder: home, link: { parentUrl: parent.server.url } });
    open.push(moved);
    await until('back', () => moved.link.state().state === 'connected');
    expect(moved.keys.enrolment()?.issued.certificate).not.toBe(old);
    expect(moved.counters.total('link', 'certificate-renewed')).toBeGreaterThan(0);
  });
});

/** Lets two real sites run into every trouble that site events tell of, and gives the events that came of it. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { createIntake } from '../../ingest/intake.ts';
import { keepSiteEvents, type SiteEventKeeper } from '../../ingest/keep-site-events.ts';
import type { SiteIdentity } from '../../ingest/site-identity.ts';
import { SourceConfig } from '../../ingest/source-config.ts';
import { createMemoryStateStore } from '../../ingest/source-state.ts';
import { watchSilence } from '../../ingest/watch-silence.ts';
import type { Bus } from '../../platform/bus/bus.ts';
import { systemClock } from '../../platform/core/clock.ts';
import { Counters } from '../../platform/core/counters.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { silentLogger } from '../../platform/core/log.ts';
import type { Posture } from '../../platform/core/posture.ts';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import { SITE_DATASET } from '../../platform/core/site-events.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { createAuthority } from '../../platform/identity/authority.ts';
import { makeCertificate } from '../../platform/identity/certificates.ts';
import { makeRsaKey } from '../../platform/identity/keys.ts';
import { decodeBundle, encodeBundle } from '../../platform/identity/messages.ts';
import { readSecretFile } from '../../platform/identity/secret-files.ts';
import { RENEWAL_CONTEXT, signDocument } from '../../platform/identity/sign-document.ts';
import { openSiteKeys, type SiteKeys } from '../../platform/identity/site-identity.ts';
import { encodeBatch } from '../../platform/link/batch.ts';
import { enrolSite } from '../../platform/link/enrol-site.ts';
import { connectLink } from '../../platform/link/link-connection.ts';
import { FIRST_PREVIOUS, ROUTES } from '../../platform/link/protocol.ts';
import { publishPosture } from '../../platform/link/publish-posture.ts';
import { ACTIONS } from '../../respond/actions/registry.ts';
import { createFileExecutor } from '../../respond/posture/executor.ts';
import { startReconciler } from '../../respond/posture/reconcile.ts';
import { makeEvent } from '../platform/link/records.ts';
import {
  CENTRE,
  invite,
  makeFolder,
  openChild,
  openParent,
  type Parent,
  readTopic,
  SITE,
  TENANT,
} from '../platform/link/two-sites.ts';
import { waitUntil } from '../services/wait-until.ts';

const until = (what: string, holds: () => boolean | Promise<boolean>): Promise<void> =>
  waitUntil({ what, holds, timeout_ms: 30_000, interval_ms: 20 });

function keeperOf(
  bus: Bus,
  site: { id: string; tier: 'centre' | 'edge'; jurisdiction: string },
): SiteEventKeeper {
  const identity: SiteIdentity = { tenant: TENANT, ...site, eventKey: Buffer.alloc(32, 3) };
  const counters = new Counters();
  return keepSiteEvents({ site: identity, bus, clock: systemClock, counters, logger: silentLogger });
}

/** Every `picket.site` event that the troubles made, the parent's first. */
export async function playSiteTroubles(): Promise<PicketEvent[]> {
  const keepers: SiteEventKeeper[] = [];
  const keep = (keeper: SiteEventKeeper): SiteEventKeeper => {
    keepers.push(keeper);
    return keeper;
  };
  const parent = await openParent({
    siteEvents: (bus) =>
      keep(keeperOf(bus, { id: CENTRE.site, tier: 'centre', jurisdiction: CENTRE.jurisdiction })),
  });
  const childFolder = makeFolder();
  const { bundle } = await invite(parent);
  const child = await openChild({ folder: childFolder, bundle });
  const childKeeper = keep(keeperOf(child.bus, { ...SITE, tier: 'edge' }));
  try {
    await until('enrolled', () => child.link.state().state === 'connected');
    await troubleWithStrangers(parent);
    await troubleWithTokens(parent, bundle);
    await troubleWithBatches(parent);
    await child.link.stop();
    await troubleWithLink({
      parent,
      bus: child.bus,
      keys: child.keys,
      records: child.records,
      keeper: childKeeper,
    });
    await troubleWithPosture({ child, keeper: childKeeper });
    await troubleWithSenders({ bus: child.bus, keeper: childKeeper });
    for (const keeper of keepers) await keeper.close();
    const told = [
      ...(await readTopic(parent.bus, TOPICS.events)),
      ...(await readTopic(child.bus, TOPICS.events)),
    ];
    return (told as unknown as PicketEvent[]).filter(({ event }) => event.dataset === SITE_DATASET);
  } finally {
    await child.close();
    await parent.close();
  }
}

type Identity = { key: string; certificate: string };

async function post(parent: Parent, path: string, body: Buffer, identity?: Identity): Promise<unknown> {
  const signal = AbortSignal.timeout(30_000);
  const ca = parent.authority.caCertificate;
  const connection = await connectLink({
    url: parent.server.url,
    ca,
    signal,
    ...(identity ? { identity } : {}),
  });
  try {
    return await connection.request({ path, body, signal });
  } catch (error) {
    return error;
  } finally {
    connection.close();
  }
}

/** No certificate, one of another authority, one that ran out, one that was never noted; a route that is not there; a crowd. */
async function troubleWithStrangers(parent: Parent): Promise<void> {
  const key = await makeRsaKey();
  const other = makeFolder();
  await createAuthority({ folder: other, records: parent.records, tenant: TENANT, clock: systemClock });
  const make = async (folder: string, notAfter: number): Promise<Identity> => {
    const caKey = createPrivateKey((await readSecretFile(join(folder, 'ca.key.pem'))) as Buffer);
    const certificate = makeCertificate({
      subject: SITE.id,
      publicKey: createPublicKey(key),
      issuer: { subject: `Picket ${TENANT} CA`, key: caKey },
      notBefore: Date.now() - 86_400_000,
      notAfter,
      use: { kind: 'client', uri: `spiffe://picket.${TENANT}/site/${SITE.id}` },
    });
    return { key, certificate };
  };
  const own = join(parent.folder, 'identity');
  const nothing = Buffer.from('{}');
  for (const identity of [
    undefined,
    await make(other, Date.now() + 86_400_000),
    await make(own, Date.now() - 1_000),
    await make(own, Date.now() + 86_400_000),
  ])
    await post(parent, ROUTES.batches, nothing, identity);
  for (let time = 0; time < 25; time++) await post(parent, ROUTES.batches, nothing);
  await post(parent, '/admin', nothing);
  const old = connectTls({
    host: '127.0.0.1',
    port: parent.server.port,
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
  });
  await once(old, 'error');
  const crowd = Array.from({ length: 70 }, () => {
    const session = connect(parent.server.url, { ca: parent.authority.caCertificate });
    session.on('error', () => undefined);
    return session;
  });
  await until('a crowd was refused', () => parent.counters.total('link', 'strangers-refused') > 0);
  for (const session of crowd) session.destroy();
}

/** A token used before, one that ran out, and a renewal for a site that nobody knows. */
async function troubleWithTokens(parent: Parent, bundle: string): Promise<void> {
  const used = await openChild({ bundle });
  await until('the used token is refused', () => used.link.state().state === 'stopped');
  await used.close();
  const { bundle: late } = await parent.authority.invite({
    site: 'factory-lille',
    name: 'Lille',
    tier: 'edge',
    jurisdiction: SITE.jurisdiction,
    parent: { ...CENTRE, url: parent.server.url },
    token_lifetime_ms: -1,
  });
  const keys = await openSiteKeys({ folder: makeFolder() });
  const signal = AbortSignal.timeout(30_000);
  await enrolSite({ keys, bundle: decodeBundle(late), signal }).catch(() => undefined);
  await post(parent, ROUTES.renew, Buffer.from('{}'));
}

/** A second site's batches: a gap, a fork, the wrong parent, a wrong signature, a record that must not leave, one of another site. */
async function troubleWithBatches(parent: Parent): Promise<void> {
  const site = { id: 'factory-nantes', jurisdiction: SITE.jurisdiction };
  const { bundle } = await invite(parent, site);
  const keys = await openSiteKeys({ folder: makeFolder() });
  const signal = AbortSignal.timeout(30_000);
  const { issued } = await enrolSite({ keys, bundle: decodeBundle(bundle), signal });
  const identity = { key: keys.tlsKey, certificate: issued.certificate };
  const stranger = await openSiteKeys({ folder: makeFolder() });
  const send = async (
    sequence: number,
    more: { previous?: string; lines?: object[]; key?: SiteKeys; destination?: string } = {},
  ): Promise<string> => {
    const { body, hash } = encodeBatch({
      header: {
        schema: SCHEMA_VERSION,
        tenant: TENANT,
        site: site.id,
        jurisdiction: site.jurisdiction,
        destination: more.destination ?? CENTRE.jurisdiction,
        sequence,
        previous: more.previous ?? FIRST_PREVIOUS,
        made: new Date().toISOString(),
        policy_version: 'test',
      },
      lines: (more.lines ?? [ofNantes(`flow-${sequence}`, {})]).map((line) => JSON.stringify(line)),
      key: (more.key ?? keys).signingKey,
    });
    await post(parent, ROUTES.batches, body, identity);
    return hash;
  };
  const ofNantes = (id: string, more: object): object => {
    const document = makeEvent({ id, ...more });
    (document['picket'] as { site: object }).site = { id: site.id, tier: 'edge' };
    return { kind: 'event', document };
  };
  const first = await send(1, {
    lines: [
      ofNantes('login-1', { class: 'authentication', dataset: 'windows.security' }),
      { kind: 'event', document: makeEvent({ id: 'of-another' }) },
    ],
  });
  await send(5, { previous: first });
  await send(2, { previous: '0'.repeat(64) });
  await send(1, { lines: [ofNantes('other-1', {})] });
  await send(2, { previous: first, destination: 'us' });
  await send(2, { previous: first, key: stranger });
  await post(parent, ROUTES.batches, Buffer.from('nothing'), identity);
  const { bundle: second } = await invite(parent, site);
  const moved = await openSiteKeys({ folder: makeFolder() });
  await enrolSite({ keys: moved, bundle: decodeBundle(second), signal });
}

/** A site in two places, a parent that goes away, one that is another, postures that are not to be taken, and a revoked site. */
async function troubleWithLink(options: {
  parent: Parent;
  bus: Bus;
  keys: SiteKeys;
  records: Parent['records'];
  keeper: SiteEventKeeper;
}): Promise<void> {
  const { parent, keeper } = options;
  const { bundle } = await invite(parent);
  const first = await openChild({ bundle, link: { siteEvents: keeper } });
  await until('there', () => first.link.state().state === 'connected');
  const posture = (version: number, more: Partial<Posture> = {}): Posture => ({
    schema: 1,
    tenant: TENANT,
    site: SITE.id,
    version,
    issued: new Date().toISOString(),
    expires: new Date(Date.now() + 3_600_000).toISOString(),
    entries: [],
    ...more,
  });
  const publish = (version: number): Promise<unknown> =>
    publishPosture({ records: parent.records, authority: parent.authority, posture: posture(version) });
  await publish(5);
  await until('taken', () => first.postures.length === 1);
  const replace = async (document: object, code: string): Promise<void> => {
    const stored = await parent.records.get('postures', SITE.id);
    await parent.records.update('postures', { ...(stored as NonNullable<typeof stored>), value: document });
    await until(code, () => first.refused.includes(code));
  };
  const sign = (document: Posture) => parent.authority.sign('picket/posture/1', document);
  await replace({ ...sign(posture(3)), version: 3 }, 'POSTURE_ROLLBACK');
  await replace({ ...sign(posture(6, { site: 'factory-lille' })), version: 6 }, 'POSTURE_FOREIGN');
  const signed = sign(posture(7));
  const altered = signed.payload.replace('"version":7', '"version":9');
  await replace({ ...signed, payload: altered, version: 9 }, 'SIGNATURE_INVALID');
  const enrolment = first.keys.enrolment();
  if (!enrolment) throw new Error('not enrolled');
  const ca = parent.authority.caCertificate;
  const signal = AbortSignal.timeout(30_000);
  const identity = { key: first.keys.tlsKey, certificate: enrolment.issued.certificate };
  // Two machines with one identity push each other away again and again.
  for (let turn = 1; turn <= 4; turn++) {
    const clone = await connectLink({ url: parent.server.url, ca, identity, signal });
    void clone.commands({ onLine: () => undefined, signal }).catch(() => undefined);
    await until('a clone is seen', () => parent.counters.total('link', 'second-connection') >= turn * 2 - 1);
    await until('the site is back', () => parent.counters.total('link', 'second-connection') >= turn * 2);
    clone.close();
  }
  await parent.server.close();
  await until('noticed', () => first.link.state().state === 'waiting');
  await parent.restart();
  await until('back', () => first.link.state().state === 'connected');
  await parent.authority.revoke(SITE.id);
  await until('revoked', () => first.link.state().state === 'stopped');
  const wanted = first.keys.apply({ tenant: TENANT, site: SITE.id, jurisdiction: SITE.jurisdiction });
  const application = signDocument({ context: RENEWAL_CONTEXT, value: wanted, key: first.keys.signingKey });
  await post(parent, ROUTES.renew, Buffer.from(JSON.stringify({ application })));
  await first.close();
  // A parent of another authority at the address that the bundle names: the pin does not fit; and one that the site called before.
  const { bundle: again } = await invite(parent);
  const impostor = await openParent();
  try {
    const forged = decodeBundle(again);
    const moved = encodeBundle({ ...forged, parent: { ...forged.parent, url: impostor.server.url } });
    const fooled = await openChild({ bundle: moved, link: { siteEvents: keeper } });
    await until('not fooled', () => fooled.link.state().state === 'stopped');
    await fooled.close();
    const enrolled = await openChild({ bundle: again });
    await until('enrolled again', () => enrolled.link.state().state === 'connected');
    await enrolled.link.stop();
    const led = await openChild({
      folder: enrolled.folder,
      link: { siteEvents: keeper, parentUrl: impostor.server.url },
    }).catch(async () => {
      // Two processes may not share a folder: the first lets go before.
      await enrolled.bus.close();
      await enrolled.records.close();
      return openChild({
        folder: enrolled.folder,
        link: { siteEvents: keeper, parentUrl: impostor.server.url },
      });
    });
    await until('untrusted', () => led.link.state().state === 'waiting');
    await led.close();
  } finally {
    await impostor.close();
  }
}

/** A firewall that somebody else changed, one that was emptied, a change that the site refuses, and a lease that ends. */
async function troubleWithPosture(options: {
  child: { records: Parent['records']; bus: Bus };
  keeper: SiteEventKeeper;
}): Promise<void> {
  const { records, bus } = options.child;
  const ruleset = join(makeFolder(), 'picket.nft');
  const shared = {
    tenant: TENANT,
    site: SITE.id,
    records,
    bus,
    check: async () => ({ checked: false }),
    actions: ACTIONS,
    guard: { protectedNetworks: ['127.0.0.0/8', '198.51.100.0/24'] },
    clock: systemClock,
    logger: silentLogger,
    siteEvents: options.keeper,
  };
  const reconciler = await startReconciler({ ...shared, executor: createFileExecutor(ruleset) });
  const entry = (id: string, address: string, lasts_ms: number): Posture['entries'][number] => ({
    id,
    action: 'firewall-deny-address',
    parameters: { address },
    owner: { run: 'run-1' },
    reason: 'test',
    not_before: new Date().toISOString(),
    lease_end: new Date(Date.now() + lasts_ms).toISOString(),
  });
  const take = (version: number, entries: Posture['entries'], taker = reconciler): Promise<unknown> =>
    taker.take({
      schema: 1,
      tenant: TENANT,
      site: SITE.id,
      version,
      issued: new Date().toISOString(),
      expires: new Date(Date.now() + 86_400_000).toISOString(),
      entries,
    });
  const held = [entry('deny-a', '45.77.10.7', 3_600_000), entry('deny-b', '82.118.225.196', 3_600_000)];
  await take(1, [...held, entry('deny-own', '198.51.100.1', 3_600_000)]);
  const text = readFileSync(ruleset, 'utf8');
  writeFileSync(ruleset, text.replace(/^.*45\.77\.10\.7.*\n/m, ''));
  await take(2, held);
  writeFileSync(ruleset, readFileSync(ruleset, 'utf8').replace('counter drop', 'counter accept'));
  await take(3, held);
  writeFileSync(ruleset, '');
  await take(4, [held[1] as Posture['entries'][number], entry('deny-short', '45.77.10.9', 700)]);
  await until('the lease ends', () => {
    const { entries = [] } = reconciler.report() ?? {};
    return entries.some(({ id, state }) => id === 'deny-short' && state === 'ended');
  });
  await reconciler.stop();
  // A ruleset whose folder is a file: the change cannot be put in force.
  const broken = await startReconciler({
    ...shared,
    executor: createFileExecutor(join(ruleset, 'x', 'picket.nft')),
  });
  await take(5, [entry('deny-broken', '45.77.10.10', 3_600_000)], broken);
  await broken.stop();
}

/** Senders without a right, records that cannot be read, and a source that falls silent. */
async function troubleWithSenders(options: { bus: Bus; keeper: SiteEventKeeper }): Promise<void> {
  const { bus, keeper } = options;
  const intake = await createIntake({
    site: { ...SITE, tier: 'edge', eventKey: Buffer.alloc(32, 3) },
    sources: [SourceConfig.parse({ id: 'falco', format: 'falco' })],
    bus,
    counters: new Counters(),
    clock: systemClock,
    stateStore: createMemoryStateStore(),
    logger: silentLogger,
    siteEvents: keeper,
  });
  for (let time = 0; time < 40; time++) intake.turnAway('falco', 'unauthorised', '10.20.3.77');
  intake.turnAway('falco', 'certificate-not-allowed', '10.20.3.78');
  const broken = { bytes: Buffer.from('{"rule":'), received: Date.now() };
  for (let ordinal = 0; ordinal < 60; ordinal++)
    await intake.accept('falco', [{ ...broken, position: { kind: 'request', ordinal } }]);
  await intake.close();
  let now = Date.now();
  const watch = watchSilence({ clock: { now: () => now }, siteEvents: keeper });
  for (let word = 0; word < 30; word++) {
    watch.heard('falco');
    now += 60_000;
  }
  now += 7_200_000;
  watch.check();
}

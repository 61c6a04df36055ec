// The site's side of a posture, with the file executor, over real records and bus.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus } from '../../../platform/bus/bus.ts';
import { type Clock, systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { Posture, PostureEntry, PostureReport } from '../../../platform/core/posture.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { ACTIONS } from '../../../respond/actions/registry.ts';
import {
  createFileExecutor,
  type FirewallExecutor,
  type NftCheck,
} from '../../../respond/posture/executor.ts';
import { type Reconciler, startReconciler } from '../../../respond/posture/reconcile.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeClock, makeFolder, openStores, readTopic, removeFolder, type Stores } from '../open-stores.ts';

const START = Date.parse('2026-11-23T08:00:00Z');
let folder: string;
let stores: Stores;
let ruleset: string;
const running: Reconciler[] = [];

beforeEach(async () => {
  folder = makeFolder();
  ruleset = join(folder, 'firewall', 'picket.nft');
  stores = await openStores(folder);
});
afterEach(async () => {
  await stopAll();
  await stores.close();
  removeFolder(folder);
});

async function stopAll(): Promise<void> {
  for (const reconciler of running.splice(0)) await reconciler.stop();
}

async function start(
  options: { clock?: Clock; executor?: FirewallExecutor; check?: NftCheck; bus?: Bus } = {},
): Promise<Reconciler> {
  const reconciler = await startReconciler({
    tenant: 'acme',
    site: 'lyon',
    records: stores.records,
    bus: options.bus ?? stores.bus,
    executor: options.executor ?? createFileExecutor(ruleset),
    check: options.check ?? (async () => ({ checked: false })),
    actions: ACTIONS,
    guard: { protectedNetworks: ['127.0.0.0/8', '::1', '198.51.100.1', '192.0.2.0/24'] },
    clock: options.clock ?? makeClock(START),
    logger: silentLogger,
  });
  running.push(reconciler);
  return reconciler;
}

function entry(id: string, address: unknown, more: Partial<PostureEntry> = {}): PostureEntry {
  return {
    id,
    action: 'firewall-deny-address',
    parameters: { address },
    owner: { run: 'run-1' },
    reason: 'test',
    not_before: new Date(START).toISOString(),
    lease_end: new Date(START + 3_600_000).toISOString(),
    ...more,
  };
}

function posture(version: number, entries: PostureEntry[]): Posture {
  return {
    schema: 1,
    tenant: 'acme',
    site: 'lyon',
    version,
    issued: new Date(START).toISOString(),
    expires: new Date(START + 86_400_000).toISOString(),
    entries,
  };
}

const file = (): string => readFileSync(ruleset, 'utf8');
const reports = (): Promise<PostureReport[]> => readTopic(stores.bus, TOPICS.postureReports);
const statesOf = ({ entries }: PostureReport): Record<string, string> =>
  Object.fromEntries(entries.map(({ id, state, code }) => [id, code ? `${state} ${code}` : state]));

describe('a posture at its site', () => {
  test('is put in force whole and told once; the same again tells nothing new', async () => {
    const reconciler = await start();
    const wanted = posture(1, [
      entry('a', '45.77.10.7'),
      entry('b', '2001:db8:0:0::7'),
      entry('c', '2A01:04F8:0::7'),
    ]);
    const report = await reconciler.take(wanted);
    expect(statesOf(report)).toEqual({ a: 'applied', b: 'refused SITE_POLICY', c: 'applied' });
    expect(file()).toContain('45.77.10.7 timeout 3600s comment "a"');
    expect(file()).toContain('2a01:4f8::7 timeout 3600s comment "c"');
    await reconciler.take(wanted);
    expect(await reports()).toHaveLength(1);
    await reconciler.take(posture(2, wanted.entries));
    expect((await reports()).map(({ version }) => version)).toEqual([1, 2]);
    expect(reconciler.version()).toBe(2);
  });

  test('refuses what would cut the site off, or is no address, and applies the rest', async () => {
    const reconciler = await start();
    const refused: [string, unknown, string][] = [
      ['private', '10.0.0.5', 'SITE_POLICY'],
      ['link-local', 'fe80::1', 'SITE_POLICY'],
      ['loopback', '127.0.0.1', 'SITE_POLICY'],
      ['parent', '198.51.100.1', 'SITE_POLICY'],
      ['parent as IPv6', '::ffff:198.51.100.1', 'SITE_POLICY'],
      ['in a protected network', '192.0.2.77', 'SITE_POLICY'],
      ['everything', '0.0.0.0', 'SITE_POLICY'],
      ['all of IPv6', '::', 'SITE_POLICY'],
      ['multicast', '224.0.0.1', 'SITE_POLICY'],
      ['a network', '45.77.10.0/24', 'ACTION_PARAMETERS'],
      ['a zone', 'fe80::1%eth0', 'ACTION_PARAMETERS'],
      ['a zone with more', '45.77.10.9%; flush ruleset', 'ACTION_PARAMETERS'],
      ['a command', '; rm -rf /', 'ACTION_PARAMETERS'],
      ['a second line', '45.77.10.9\nflush ruleset', 'ACTION_PARAMETERS'],
      ['an octal', '0313.0.113.9', 'ACTION_PARAMETERS'],
      ['a short form', '203.113', 'ACTION_PARAMETERS'],
      ['nothing', '', 'ACTION_PARAMETERS'],
      ['a number', 3_405_803_785, 'ACTION_PARAMETERS'],
      ['a list', ['45.77.10.9'], 'ACTION_PARAMETERS'],
      ['null', null, 'ACTION_PARAMETERS'],
    ];
    const report = await reconciler.take(
      posture(1, [
        ...refused.map(([id, address]) => entry(id, address)),
        entry('unknown action', '45.77.10.8', { action: 'reformat-disk' }),
        entry('more keys', '45.77.10.8', { parameters: { address: '45.77.10.8', also: '0.0.0.0' } }),
        entry('for ever', '45.77.10.8', { lease_end: '2099-01-01T00:00:00.000Z' }),
        entry('good', '45.77.10.7'),
      ]),
    );
    expect(statesOf(report)).toEqual({
      ...Object.fromEntries(refused.map(([id, , code]) => [id, `refused ${code}`])),
      'unknown action': 'refused ACTION_UNKNOWN',
      'more keys': 'refused ACTION_PARAMETERS',
      'for ever': 'refused LEASE_TOO_LONG',
      good: 'applied',
    });
    const silent = report.entries.filter(({ state, reason }) => state === 'refused' && !reason);
    expect(silent).toEqual([]);
    expect(file().match(/timeout \d+s/g)).toHaveLength(1);
    expect(file()).toContain('45.77.10.7 timeout');
  });

  test('what a new version leaves out is lifted, and told as ended once', async () => {
    const reconciler = await start();
    await reconciler.take(posture(1, [entry('a', '45.77.10.7'), entry('b', '45.77.10.8')]));
    const report = await reconciler.take(posture(2, [entry('b', '45.77.10.8')]));
    expect(statesOf(report)).toEqual({ a: 'ended', b: 'applied' });
    expect(file()).not.toContain('45.77.10.7 ');
    const later = await reconciler.take(posture(3, [entry('b', '45.77.10.8')]));
    expect(later.entries.find(({ id }) => id === 'a')).toEqual(report.entries.find(({ id }) => id === 'a'));
  });

  test('ends by itself with its lease, with nobody asking', async () => {
    const reconciler = await start({ clock: systemClock });
    const now = Date.now();
    const lease = {
      not_before: new Date(now).toISOString(),
      lease_end: new Date(now + 1_500).toISOString(),
    };
    const first = await reconciler.take(posture(1, [entry('a', '45.77.10.7', lease)]));
    expect(statesOf(first)).toEqual({ a: 'applied' });
    await waitUntil({
      what: 'the lease ends',
      holds: () => reconciler.report()?.entries[0]?.state === 'ended',
      timeout_ms: 20_000,
    });
    expect(file()).not.toContain('45.77.10.7');
    expect((await reports()).map(statesOf)).toEqual([{ a: 'applied' }, { a: 'ended' }]);
  });

  test('an entry for later waits for its time', async () => {
    const reconciler = await start({ clock: systemClock });
    const now = Date.now();
    const later = {
      not_before: new Date(now + 1_200).toISOString(),
      lease_end: new Date(now + 60_000).toISOString(),
    };
    expect(statesOf(await reconciler.take(posture(1, [entry('a', '45.77.10.7', later)])))).toEqual({
      a: 'pending',
    });
    expect(file()).not.toContain('45.77.10.7');
    await waitUntil({
      what: 'the time comes',
      holds: () => reconciler.report()?.entries[0]?.state === 'applied',
      timeout_ms: 20_000,
    });
    expect(file()).toContain('45.77.10.7');
  });

  test('a restart puts it in force again with what is left of the lease, and tells nothing', async () => {
    const clock = makeClock(START);
    await (await start({ clock })).take(posture(4, [entry('a', '45.77.10.7')]));
    await stopAll();
    await stores.close();
    removeFolder(join(folder, 'firewall'));
    clock.move(600_000);
    stores = await openStores(folder);
    const again = await start({ clock });
    expect(again.version()).toBe(4);
    expect(file()).toContain('45.77.10.7 timeout 3000s');
    expect(await reports()).toHaveLength(1);
  });

  test('a lease that ended while the site was down is not put in force again', async () => {
    const clock = makeClock(START);
    await (await start({ clock })).take(posture(1, [entry('a', '45.77.10.7')]));
    await stopAll();
    clock.move(3_600_000);
    const again = await start({ clock });
    expect(again.report()?.entries).toMatchObject([{ id: 'a', state: 'ended' }]);
    expect(file()).not.toContain('45.77.10.7');
    expect((await reports()).map(statesOf)).toEqual([{ a: 'applied' }, { a: 'ended' }]);
  });

  test('a process that died between keeping a posture and applying it applies it at the next start', async () => {
    const broken: FirewallExecutor = {
      id: 'file',
      apply: () => new Promise(() => undefined),
      read: async () => undefined,
    };
    const first = await start({ executor: broken });
    running.splice(0);
    void first.take(posture(1, [entry('a', '45.77.10.7')]));
    await waitUntil({
      what: 'the posture is kept',
      holds: async () => (await stores.records.get('postures', 'held')) !== undefined,
      timeout_ms: 20_000,
      interval_ms: 10,
    });
    await start();
    expect(file()).toContain('45.77.10.7');
    expect((await reports()).map(statesOf)).toEqual([{ a: 'applied' }]);
  });

  test('an executor that fails is told as failed, and a ruleset that nft refuses as refused', async () => {
    const unwritable = await start({
      executor: createFileExecutor(join(folder, 'records', 'records.sqlite', 'x')),
    });
    expect(statesOf(await unwritable.take(posture(1, [entry('a', '45.77.10.7')])))).toEqual({
      a: 'failed EXECUTOR_FAILED',
    });
    await stopAll();
    const refusing = await start({ check: async () => ({ checked: true, error: 'syntax error' }) });
    expect(statesOf(await refusing.take(posture(2, [entry('a', '45.77.10.7')])))).toEqual({
      a: 'refused NFT_REFUSED',
    });
    expect(file()).not.toContain('45.77.10.7');
  });

  test('a document that the link did not take is told with the version that holds', async () => {
    const reconciler = await start();
    await reconciler.take(posture(3, [entry('a', '45.77.10.7')]));
    await reconciler.tellRefused({ code: 'SIGNATURE_INVALID', reason: 'not signed by the parent' });
    expect((await reports()).at(-1)).toMatchObject({
      version: 3,
      refused: { code: 'SIGNATURE_INVALID' },
      entries: [{ id: 'a', state: 'applied' }],
    });
  });

  test('leases end though the bus was full, at the start too, and the end is told when there is room', async () => {
    let full = true;
    const bus = new Proxy(stores.bus, {
      get: (target, name) => {
        if (name === 'produce' && full) return () => Promise.reject(new Error('the bus is full'));
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    const clock = makeClock(START);
    const lease_end = new Date(START + 300).toISOString();
    const first = await start({ bus, clock });
    await expect(first.take(posture(1, [entry('a', '45.77.10.7', { lease_end })]))).rejects.toThrow('full');
    expect(file()).toContain('45.77.10.7');
    await stopAll();
    await start({ bus, clock });
    full = false;
    clock.move(300);
    await waitUntil({
      what: 'the end of the lease is told',
      holds: async () => (await reports()).some((report) => statesOf(report)['a'] === 'ended'),
      timeout_ms: 20_000,
      interval_ms: 20,
    });
    expect(file()).not.toContain('45.77.10.7');
  });
});

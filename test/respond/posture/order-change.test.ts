import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PostureEntry } from '../../../platform/core/posture.ts';
import { readPublishedPosture } from '../../../platform/link/publish-posture.ts';
import { liftChange, orderChange, type PostureDesk } from '../../../respond/posture/order-change.ts';
import { makeClock, makeFolder, openStores, removeFolder, type Stores } from '../open-stores.ts';

const START = Date.parse('2026-11-23T08:00:00Z');
let folder: string;
let stores: Stores;
let clock: ReturnType<typeof makeClock>;
let desk: PostureDesk;

beforeEach(async () => {
  folder = makeFolder();
  stores = await openStores(folder);
  clock = makeClock(START);
  desk = deskOf(stores);
});
afterEach(async () => {
  await stores.close();
  removeFolder(folder);
});

function deskOf({ records }: Stores): PostureDesk {
  const sign: PostureDesk['authority']['sign'] = (context, payload) => ({
    context,
    key_id: 'test',
    payload: JSON.stringify(payload),
    signature: '',
  });
  return { records, clock, tenant: 'acme', authority: { sign } };
}

function entry(id: string, lease_ms = 3_600_000): PostureEntry {
  return {
    id,
    action: 'firewall-deny-address',
    parameters: { address: '203.0.113.7' },
    owner: {},
    reason: 'test',
    not_before: new Date(START).toISOString(),
    lease_end: new Date(START + lease_ms).toISOString(),
  };
}

describe('ordering and lifting changes', () => {
  test('each change is a new version, one above the last, a site apart', async () => {
    expect((await orderChange(desk, 'lyon', entry('a'))).version).toBe(1);
    expect((await orderChange(desk, 'lyon', entry('b'))).version).toBe(2);
    expect((await orderChange(desk, 'paris', entry('a'))).version).toBe(1);
    const lifted = await liftChange(desk, 'lyon', 'a');
    expect(lifted).toMatchObject({ version: 3, entries: [{ id: 'b' }] });
  });

  test('an order given twice is one entry and one version', async () => {
    const first = await orderChange(desk, 'lyon', entry('a'));
    const second = await orderChange(desk, 'lyon', { ...entry('a'), reason: 'again' });
    expect(second).toEqual(first);
    expect((await readPublishedPosture({ records: desk.records, site: 'lyon' }))?.published.version).toBe(1);
  });

  test('what is not there cannot be lifted, and nothing is published for it', async () => {
    await expect(liftChange(desk, 'lyon', 'a')).rejects.toMatchObject({ code: 'CHANGE_NOT_FOUND' });
    await orderChange(desk, 'lyon', entry('a'));
    await liftChange(desk, 'lyon', 'a');
    await expect(liftChange(desk, 'lyon', 'a')).rejects.toMatchObject({ code: 'CHANGE_NOT_FOUND' });
    expect((await readPublishedPosture({ records: desk.records, site: 'lyon' }))?.published.version).toBe(2);
  });

  test('thirty orders at once all stand, with no version twice', async () => {
    const ids = Array.from({ length: 30 }, (_, at) => `change-${at}`);
    const postures = await Promise.all(ids.map((id) => orderChange(desk, 'lyon', entry(id))));
    expect(new Set(postures.map(({ version }) => version)).size).toBe(30);
    const held = await readPublishedPosture({ records: desk.records, site: 'lyon' });
    expect(held?.posture.version).toBe(30);
    expect(held?.posture.entries.map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  test('an entry whose lease is over leaves with the next version', async () => {
    await orderChange(desk, 'lyon', entry('short', 1_000));
    clock.move(1_000);
    const next = await orderChange(desk, 'lyon', entry('long'));
    expect(next.entries.map(({ id }) => id)).toEqual(['long']);
  });

  test('versions go on after a restart', async () => {
    await orderChange(desk, 'lyon', entry('a'));
    await stores.close();
    stores = await openStores(folder);
    desk = deskOf(stores);
    expect(await orderChange(desk, 'lyon', entry('b'))).toMatchObject({
      version: 2,
      entries: [{ id: 'a' }, { id: 'b' }],
    });
  });
});

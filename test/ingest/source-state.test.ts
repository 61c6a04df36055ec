import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createMemoryStateStore, createSourceStateStore } from '../../ingest/source-state.ts';
import { systemClock } from '../../platform/core/clock.ts';
import { openRecords } from '../../platform/records/open-records.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

describe('the state of sources', () => {
  test('stands after a restart, each source apart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'picket-state-'));
    folders.push(folder);
    const first = await openRecords({ engine: 'embedded', folder, clock: systemClock });
    const before = createSourceStateStore({ store: first });
    const flows = await before.open('flows');
    flows.set('template:1', 'abc');
    flows.set('__proto__', 'plain');
    (await before.open('other')).set('template:1', 'xyz');
    await before.close();
    await first.close();

    const second = await openRecords({ engine: 'embedded', folder, clock: systemClock });
    const after = createSourceStateStore({ store: second });
    expect((await after.open('flows')).get('template:1')).toBe('abc');
    expect((await after.open('flows')).get('__proto__')).toBe('plain');
    expect((await after.open('other')).get('template:1')).toBe('xyz');
    await after.close();
    await second.close();
  });

  test('durable values are on disk once settled, with the owner killed before its next write', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'picket-state-'));
    folders.push(folder);
    const first = await openRecords({ engine: 'embedded', folder, clock: systemClock });
    const before = createSourceStateStore({ store: first, flush_interval_ms: 3_600_000 });
    const flows = await before.open('flows');
    flows.set('template:1', 'abc', { durable: true });
    await before.settle('flows');
    // Nothing of the owner runs from here on: its timer is an hour away.
    await first.close();

    const second = await openRecords({ engine: 'embedded', folder, clock: systemClock });
    const after = createSourceStateStore({ store: second });
    expect((await after.open('flows')).get('template:1')).toBe('abc');
    await after.close();
    await second.close();
    await expect(before.close()).resolves.toBeUndefined();
  });

  test('a flush that failed is tried again with the next', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'picket-state-'));
    folders.push(folder);
    const store = await openRecords({ engine: 'embedded', folder, clock: systemClock });
    let failing = true;
    const state = createSourceStateStore({
      store: {
        ...store,
        get: (collection, id) => store.get(collection, id),
        update: (collection, record) => store.update(collection, record),
        create: async (collection, id, value) => {
          if (failing) throw new Error('disk');
          return store.create(collection, id, value);
        },
      },
    });
    (await state.open('a')).set('k', 'v');
    await expect(state.flush()).rejects.toThrow('disk');
    failing = false;
    await state.flush();
    expect((await store.get('settings', 'source-state:a'))?.value).toEqual({ entries: { k: 'v' } });
    await state.close();
    await store.close();
  });

  test('the memory store keeps the same state for the same source', async () => {
    const store = createMemoryStateStore();
    (await store.open('a')).set('k', 'v');
    expect((await store.open('a')).get('k')).toBe('v');
  });
});

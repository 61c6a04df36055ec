// The embedded record store: its contract, and its promises of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { openRecords } from '../../../platform/records/open-records.ts';
import { describeRecordsContract } from './contract.ts';

async function openPlace() {
  const folder = await mkdtemp(join(tmpdir(), 'picket-records-'));
  const settings = { engine: 'embedded', folder, clock: systemClock } as const;
  let store = await openRecords(settings);
  return {
    folder,
    store,
    reopen: async () => {
      await store.close();
      store = await openRecords(settings);
      return store;
    },
    dispose: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describeRecordsContract('embedded', openPlace, { runs: 60 });

test('a folder that is open already is refused with its pid', async () => {
  const place = await openPlace();
  await expect(
    openRecords({ engine: 'embedded', folder: place.folder, clock: systemClock }),
  ).rejects.toMatchObject({
    code: 'RECORDS_LOCKED',
    message: expect.stringContaining(`process ${process.pid} has the folder ${place.folder} open`),
  });
  await place.dispose();
});

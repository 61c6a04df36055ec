// Whose alerts a site may change: its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepAlert } from '../../../detect/worker/keep-alert.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import { makeAlert } from '../../platform/link/records.ts';

let folder = '';
let records: RecordStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-keep-alert-'));
  records = await openEmbeddedRecords({ folder, clock: systemClock });
});
afterEach(async () => {
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

const stored = async (id: string): Promise<Alert | undefined> =>
  (await records.get<Alert>('alerts', id))?.value;
const lyon = { id: 'lyon', tier: 'edge' } as const;
const rogue = { id: 'rogue', tier: 'edge' } as const;

test("a site that knows another site's alert id cannot withdraw or rewrite that alert", async () => {
  await keepAlert(records, makeAlert({ id: 'a', site: lyon }));
  const forged = makeAlert({ id: 'a', site: rogue, revision: 1_000_000, state: 'withdrawn' });
  expect(await keepAlert(records, forged)).toBe('foreign');
  expect(await stored('a')).toMatchObject({ site: lyon, state: 'current', revision: 1 });
});

test('a site cannot withdraw the alert over several sites that one of its events began, nor take its id first', async () => {
  const fleet = makeAlert({ id: 'f', site: { id: 'centre', tier: 'centre' }, scope: 'fleet' });
  const forged = makeAlert({ id: 'f', site: rogue, revision: 1_000_000, state: 'withdrawn' });
  expect(await keepAlert(records, forged)).toBe('kept');
  expect(await keepAlert(records, fleet)).toBe('kept');
  expect(await keepAlert(records, forged)).toBe('foreign');
  expect(await stored('f')).toMatchObject({ site: { id: 'centre' }, state: 'current' });
});

test('what people decided does not follow to an alert of another site', async () => {
  await keepAlert(records, makeAlert({ id: 'a', site: lyon }));
  await records.create('alerts', 'b', makeAlert({ id: 'b', site: rogue, status: 'closed' }));
  await keepAlert(
    records,
    makeAlert({ id: 'b', site: rogue, revision: 2, state: 'superseded', superseded_by: 'a' }),
  );
  expect(await stored('a')).toMatchObject({ status: 'open' });
});

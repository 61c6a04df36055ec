// Credentials end: by time, by use, and with the run that they were made for.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../platform/core/clock.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import { type Access, createAccess } from '../../../server/api/access.ts';

let folder = '';
let records: RecordStore;
let now = Date.parse('2026-11-23T10:00:00.000Z');
const clock: Clock = { ...systemClock, now: () => now };
let access: Access;
const admin = { actor: 'cli', roles: ['admin'] };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-access-'));
  records = await openEmbeddedRecords({ folder, clock });
  access = createAccess({ records, clock });
});
afterEach(async () => {
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the tokens of earlier runs end with a new one, and those of people do not', async () => {
  const earlier = await access.createApiToken(admin);
  const person = await access.createApiToken({ actor: 'wang', roles: ['admin'] });
  await access.retire({ actor: 'cli' });
  const later = await access.createApiToken(admin);
  expect(await access.identify(earlier, 'api-token')).toBeUndefined();
  expect(await access.identify(person, 'api-token')).toMatchObject({ actor: 'wang' });
  expect(await access.identify(later, 'api-token')).toMatchObject(admin);
});

test('what has expired is forgotten, and what has not is kept', async () => {
  await access.createSignInToken(admin);
  const { session } = await access.signIn(await access.createSignInToken(admin));
  now += 13 * 3_600_000;
  expect(await access.identify(session, 'session')).toBeUndefined();
  await access.retire();
  expect(await records.count('sessions')).toBe(1);
  now += 12 * 3_600_000;
  await access.retire();
  expect(await records.count('sessions')).toBe(0);
});

test('of two that bring one sign-in token at once, one comes in', async () => {
  const token = await access.createSignInToken(admin);
  const results = await Promise.allSettled([access.signIn(token), access.signIn(token)]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

// Which addresses a site never denies, whatever its parent orders: the parent's own.
import { expect, test } from 'vitest';
import { silentLogger } from '../../platform/core/log.ts';
import { encodeBundle } from '../../platform/identity/messages.ts';
import type { Enrolment } from '../../platform/identity/site-identity.ts';
import { findParentAddresses } from '../../server/start-child-side.ts';

const parentAt = (url: string) => ({
  site: 'centre',
  jurisdiction: 'eu-de',
  url,
  ca_fingerprint: '0'.repeat(64),
});
const enrolledAt = (url: string): { enrolment: () => Enrolment } => ({
  enrolment: () => ({ parent: parentAt(url) }) as unknown as Enrolment,
});
const logger = silentLogger;

test('the parent of an enrolled site stays protected when its bundle is gone or is another one', async () => {
  const keys = enrolledAt('https://[2a01:4f8::9]:7020');
  expect(await findParentAddresses({ bundle: undefined, keys, logger })).toEqual(['2a01:4f8::9']);
  expect(await findParentAddresses({ bundle: 'no bundle at all', keys, logger })).toEqual(['2a01:4f8::9']);
});

test('before the enrolment the bundle says who the parent is', async () => {
  const bundle = encodeBundle({
    schema: 1,
    tenant: 'acme',
    site: 'lyon',
    tier: 'edge',
    jurisdiction: 'eu-fr',
    parent: parentAt('https://45.77.10.7:7020'),
    token: 'a'.repeat(43),
  });
  const keys = { enrolment: () => undefined };
  expect(await findParentAddresses({ bundle, keys, logger })).toEqual(['45.77.10.7']);
});

test('a parent that is known by name is protected at the addresses that the name stands for', async () => {
  const keys = enrolledAt('https://soc.example:7020');
  const resolveName = async (): Promise<string[]> => ['45.77.10.7', '2a01:4f8::9'];
  expect(await findParentAddresses({ bundle: undefined, keys, logger, resolveName })).toEqual([
    '45.77.10.7',
    '2a01:4f8::9',
  ]);
  const failing = (): Promise<string[]> => Promise.reject(new Error('ENOTFOUND'));
  expect(await findParentAddresses({ bundle: undefined, keys, logger, resolveName: failing })).toEqual([]);
});

// Parts end last first, whatever becomes of one of them.
import { expect, test } from 'vitest';
import { silentLogger } from '../../platform/core/log.ts';
import { Endings } from '../../server/endings.ts';

test('parts end last first, and one that fails or hangs holds up none of the others', async () => {
  const ended: string[] = [];
  const told: string[] = [];
  const logger = {
    debug: silentLogger.debug.bind(silentLogger),
    error: (about: { part: string }, message: string) => void told.push(`${about.part}: ${message}`),
  };
  const endings = new Endings();
  endings.add('first', async () => ended.push('first'));
  endings.add('hangs', () => new Promise(() => undefined));
  endings.add('fails', async () => {
    throw new Error('no');
  });
  endings.add('last', async () => ended.push('last'));
  await endings.run(logger as unknown as Parameters<Endings['run']>[0], 20);
  expect(ended).toEqual(['last', 'first']);
  expect(told).toEqual(['fails: did not end cleanly: no', 'hangs: did not end cleanly: not within 0.02 s']);
  await endings.run(logger as unknown as Parameters<Endings['run']>[0]);
  expect(ended).toEqual(['last', 'first']);
});

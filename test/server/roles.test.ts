// Roles as the command line meets them: what is refused, and that the keys of a site are made once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../platform/core/clock.ts';
import { keepAuthorityKeys } from '../../platform/identity/authority.ts';
import { keepRandomKey } from '../../platform/identity/secret-files.ts';
import { parseRoles } from '../../server/roles/role.ts';
import { writeSite } from './site-files.ts';
import { makeFolder, runPicket } from './start-picket.ts';

const { folder, remove } = makeFolder();
afterAll(remove);

describe('roles', () => {
  const { file } = writeSite({ folder, tier: 'centre', more: { link: { port: 0 } } });

  test('are read with commas, and `all` is all of them', () => {
    expect([...parseRoles('ingest, api')]).toEqual(['ingest', 'api']);
    expect(parseRoles('all').size).toBe(4);
    expect(() => parseRoles('ingest,correlate')).toThrow('no role `correlate`');
  });

  test.each([
    [['--role', 'worker'], 2, 'ROLE_UNKNOWN'],
    [['--role', 'detect', '--instance', '../other'], 2, 'INSTANCE_INVALID'],
    [['--role', 'detect'], 3, 'ROLE_ENGINES'],
  ])('%j is refused', async (args, code, says) => {
    const end = await runPicket(['up', '--site', file, ...args]);
    expect(end.code).toBe(code);
    expect(end.stderr).toContain(`[${says}]`);
  });

  test('the keys are made before the first start, and stay as they are', async () => {
    const to = join(folder, 'keys');
    const first = await runPicket(['keys', file, '--to', to, '--json']);
    const { files } = JSON.parse(first.stdout) as { files: string[] };
    expect(files.map((path) => path.slice(to.length + 1))).toEqual([
      'identity/event.key',
      'identity/residency.key',
      'authority/ca.cert.pem',
      'authority/ca.key.pem',
      'authority/posture.key.pem',
      'authority/server.key.pem',
    ]);
    const before = files.map((path) => readFileSync(path, 'hex'));
    expect((await runPicket(['keys', file, '--to', to])).code).toBe(0);
    expect(files.map((path) => readFileSync(path, 'hex'))).toEqual(before);
  });

  test('of several processes that make the keys at the same moment, all have the same ones', async () => {
    const made = await Promise.all(
      Array.from({ length: 8 }, () => keepRandomKey(join(folder, 'race'), 'event')),
    );
    expect(new Set(made.map((key) => key.toString('hex'))).size).toBe(1);
    const authority = join(folder, 'race', 'authority');
    const kept = await Promise.all(
      Array.from({ length: 3 }, () =>
        keepAuthorityKeys({ folder: authority, tenant: 'acme', clock: systemClock }),
      ),
    );
    expect(new Set(kept.map(({ caCertificate }) => caCertificate)).size).toBe(1);
  });
});

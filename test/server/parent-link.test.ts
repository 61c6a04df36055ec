// A site says how its link to its parent stands: what stops it is not only in its log.
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { SiteList } from '../../server/api/contract.ts';
import { findFreePorts } from '../services/free-port.ts';
import { waitUntil } from '../services/wait-until.ts';
import { writeSite } from './site-files.ts';
import { clientOf, makeFolder, type RunningPicket, runPicket, startPicket } from './start-picket.ts';

const { folder, remove } = makeFolder();
const running: RunningPicket[] = [];
afterAll(async () => {
  for (const site of running.reverse()) await site.stop();
  remove();
});

test('a bundle that was used and a site that was cut off are told where they are', {
  timeout: 90_000,
}, async () => {
  const [port] = await findFreePorts(1);
  const centre = writeSite({ folder: join(folder, 'centre'), tier: 'centre', more: { link: { port } } });
  running.push(await startPicket(['up', '--site', centre.file]));
  const { bundle } = await clientOf(centre.data).call<{ bundle: string }>('POST', '/api/v1/sites', {
    id: 'lyon',
    tier: 'edge',
    jurisdiction: 'eu-fr',
  });
  writeFileSync(join(folder, 'bundle.txt'), bundle);
  const start = async (name: string) => {
    const more = { parent: { bundle_file: '../bundle.txt' } };
    const site = writeSite({ folder: join(folder, name), tier: 'edge', more });
    // A folder that others could read before.
    mkdirSync(site.data);
    chmodSync(site.data, 0o755);
    running.push(await startPicket(['up', '--site', site.file]));
    expect(statSync(site.data).mode & 0o777).toBe(0o700);
    return site.data;
  };
  const linkOf = async (data: string): Promise<string> => {
    const { sites } = await clientOf(data).call<SiteList>('GET', '/api/v1/sites');
    const { state, code = '' } = sites[0]?.parent_link ?? { state: 'none' };
    return `${state} ${code}`.trim();
  };
  const becomes = (data: string, wanted: string): Promise<void> =>
    waitUntil({ what: wanted, holds: async () => (await linkOf(data)) === wanted, timeout_ms: 20_000 });

  const first = await start('first');
  await becomes(first, 'connected');
  const second = await start('second');
  await becomes(second, 'stopped TOKEN_USED');
  const table = await runPicket(['sites', '--data', second]);
  expect(table.stdout).toContain('parent stopped TOKEN_USED');

  await runPicket(['sites', 'revoke', 'lyon', '--reason', 'stolen', '--data', centre.data]);
  await becomes(first, 'stopped SITE_REVOKED');
  const { sites } = await clientOf(centre.data).call<SiteList>('GET', '/api/v1/sites');
  expect(sites.find(({ id }) => id === 'lyon')).toMatchObject({ state: 'revoked', link: 'down' });
});

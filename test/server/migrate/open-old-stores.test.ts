// What may be moved, and what is refused before anything is.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { openIndex } from '../../../platform/index/open-index.ts';
import { openRecords } from '../../../platform/records/open-records.ts';
import { listFilesLeft } from '../../../server/migrate/list-files-left.ts';
import { refuseForeign } from '../../../server/migrate/migrate-site.ts';
import { openOldStores } from '../../../server/migrate/open-old-stores.ts';
import { openProgress } from '../../../server/migrate/open-progress.ts';
import { readSiteConfig } from '../../../server/read-site-config.ts';
import type { SiteConfig } from '../../../server/site-config.ts';
import { sampleDocument } from '../../platform/index/sample-events.ts';
import { writeSite } from '../site-files.ts';
import { runPicket } from '../start-picket.ts';

let folder = '';
let data = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-old-stores-'));
  data = join(folder, 'data');
  mkdirSync(data);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SERVERS = {
  elasticsearch: { nodes: ['http://127.0.0.1:9'] },
  index: { engine: 'elasticsearch' },
  records: { engine: 'elasticsearch' },
};

function configOf(more: Record<string, unknown>): SiteConfig {
  return readSiteConfig({ file: writeSite({ folder, tier: 'centre', more }).file, environment: {} });
}

const open = (config: SiteConfig) => openOldStores({ data, config, clock: systemClock });

describe('the old stores', () => {
  test('are those that lie there and that the configuration puts elsewhere', async () => {
    const records = await openRecords({
      engine: 'embedded',
      folder: join(data, 'records'),
      clock: systemClock,
    });
    await records.create('alerts', 'a', {});
    await records.close();
    const index = await openIndex({ engine: 'embedded', folder: join(data, 'index') });
    await index.write([sampleDocument('e')]);
    await index.close();
    const both = await open(configOf(SERVERS));
    expect(await both.records?.count('alerts')).toBe(1);
    expect(both.events?.segments()).toMatchObject([{ events: 1 }]);
    expect([both.bus, both.detection]).toEqual([undefined, undefined]);
    expect(() => refuseForeign(both, 'other')).toThrow('tenant acme');
    await both.close();
    const one = await open(configOf({ ...SERVERS, index: { engine: 'embedded' } }));
    expect(one.events).toBeUndefined();
    await one.close();
  });

  test('are refused where there is nothing to move, with what to do about it', async () => {
    await expect(open(configOf(SERVERS))).rejects.toMatchObject({
      code: 'MIGRATE_NOTHING',
      message: expect.stringContaining('--from'),
    });
    const records = await openRecords({
      engine: 'embedded',
      folder: join(data, 'records'),
      clock: systemClock,
    });
    await records.close();
    await expect(open(configOf({}))).rejects.toMatchObject({
      code: 'MIGRATE_NOTHING',
      message: expect.stringContaining('leaves every store of this folder embedded'),
    });
  });

  test('are refused while a process has them, or a site runs on the folder; all that was opened is let go', async () => {
    const index = await openIndex({ engine: 'embedded', folder: join(data, 'index') });
    let records = await openRecords({
      engine: 'embedded',
      folder: join(data, 'records'),
      clock: systemClock,
    });
    await records.close();
    await expect(open(configOf(SERVERS))).rejects.toMatchObject({ code: 'INDEX_FOLDER_IN_USE' });
    records = await openRecords({ engine: 'embedded', folder: join(data, 'records'), clock: systemClock });
    await records.close();
    await index.close();
    writeFileSync(join(data, 'api.json'), JSON.stringify({ pid: process.pid }));
    await expect(open(configOf(SERVERS))).rejects.toMatchObject({ code: 'MIGRATE_RUNNING' });
  });

  test('that cannot reach their target are told by exit code and code, and a second run at the same time is refused', async () => {
    const records = await openRecords({
      engine: 'embedded',
      folder: join(data, 'records'),
      clock: systemClock,
    });
    await records.close();
    const { file } = writeSite({ folder, tier: 'centre', more: SERVERS });
    const end = await runPicket(['migrate', '--site', file]);
    expect(end.code).toBe(3);
    expect(end.stderr).toContain('[ELASTICSEARCH_UNAVAILABLE]');
    const progress = openProgress(data);
    const second = await runPicket(['migrate', '--site', file, '--json']);
    expect(second.code).toBe(3);
    expect(second.stderr).toContain('MIGRATE_LOCKED');
    await progress.close();
    const preview = await runPicket(['migrate', '--site', file, '--dry-run', '--json']);
    expect(preview.code).toBe(1);
    expect(await runPicket(['migrate', '--site', file, '--sample', 'many'])).toMatchObject({ code: 2 });
  }, 60_000);
});

test('files that another data folder lacks are named', () => {
  const to = join(folder, 'new');
  mkdirSync(join(data, 'identity'));
  mkdirSync(join(data, 'tail'));
  mkdirSync(join(to, 'tail'), { recursive: true });
  expect(listFilesLeft(data, data)).toEqual([]);
  expect(listFilesLeft(data, to)).toEqual([{ from: join(data, 'identity'), to: join(to, 'identity') }]);
});

// Holds the lists of adapters equal to their folders, and each adapter to what a folder of it must have.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SOURCE_ADAPTERS } from '../../ingest/registry.ts';
import { ACTIONS } from '../../respond/actions/registry.ts';
import { NOTIFIERS } from '../../respond/notify/registry.ts';
import { listFiles, PROJECT, readProjectFile } from './list-files.ts';

const REGISTRIES = [
  ['ingest/sources', SOURCE_ADAPTERS],
  ['respond/actions', ACTIONS],
  ['respond/notify', NOTIFIERS],
] as const;

describe.each(REGISTRIES)('the registry of %s', (folder, adapters) => {
  const folders = readdirSync(join(PROJECT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

  test('lists exactly its folders, each once', () => {
    expect(adapters.map(({ id }) => id).sort()).toEqual(folders.sort());
  });

  test('names adapters that describe themselves', () => {
    for (const { id, title, description, example } of adapters) {
      expect(id).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
      for (const text of [title, description, example]) expect(text.trim()).not.toBe('');
    }
  });

  test.each(folders)('%s has its entry, and tests that speak of it', (name) => {
    expect(existsSync(join(PROJECT, folder, name, 'index.ts'))).toBe(true);
    const stage = folder.split('/')[0] ?? '';
    const tests = listFiles(`test/${stage}`, /\.ts$/).filter(
      (path) => path.startsWith(`test/${folder}/${name}`) || readProjectFile(path).includes(`'${name}'`),
    );
    expect(tests).not.toEqual([]);
  });
});

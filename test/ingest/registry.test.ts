import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describeSources } from '../../ingest/describe-sources.ts';
import { findAdapter, SOURCE_ADAPTERS } from '../../ingest/registry.ts';
import { SourceConfig } from '../../ingest/source-config.ts';
import { DatasetName, RESIDENCY_CLASSES } from '../../platform/core/names.ts';
import { parseYaml } from '../../platform/core/yaml.ts';
import { readProjectFile } from './normalise-text.ts';

describe('the registry of sources', () => {
  test('lists exactly the folders of ingest/sources, each with its schema', () => {
    const folder = new URL('../../ingest/sources', import.meta.url);
    expect(SOURCE_ADAPTERS.map(({ id }) => id).sort()).toEqual(readdirSync(folder).sort());
    for (const { id } of SOURCE_ADAPTERS) {
      expect(readdirSync(new URL(`../../ingest/sources/${id}`, import.meta.url))).toContain('index.ts');
    }
  });

  test.each(SOURCE_ADAPTERS.map((adapter) => [adapter.id, adapter] as const))(
    '%s declares datasets with known classes, and its example is a valid configuration',
    (id, adapter) => {
      for (const dataset of adapter.datasets) {
        expect(DatasetName.safeParse(dataset.name).success).toBe(true);
        expect(RESIDENCY_CLASSES).toContain(dataset.class);
      }
      const { value } = parseYaml({
        text: adapter.example.replaceAll(/\{ \$env: \w+ \}/g, '0123456789abcdef'),
        file: id,
      });
      for (const source of value as unknown[]) expect(SourceConfig.parse(source).format).toBe(id);
    },
  );

  test('an unknown format has no adapter', () => {
    expect(findAdapter('constructor')).toBeUndefined();
  });

  test('docs/sources.md is what the adapters say today', () => {
    expect(readProjectFile('docs/sources.md')).toBe(describeSources(SOURCE_ADAPTERS));
  });
});

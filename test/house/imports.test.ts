// Holds the directions in which imports may point, and who may name which engine or library.
import { describe, expect, test } from 'vitest';
import { CODE_FOLDERS, type Import, listFiles, readImports } from './list-files.ts';

const STAGES = ['ingest', 'detect', 'scanners', 'respond', 'report'] as const;

/** What the code of each folder may import, beside itself and packages. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  ...Object.fromEntries(STAGES.map((stage) => [stage, ['platform']])),
  server: ['platform', ...STAGES],
};

/** Packages and modules that only some files may name, and why. */
const NAMED_ONLY_BY: Readonly<Record<string, readonly RegExp[]>> = {
  // The embedded engines, what they stand on, and the correlator's own store of signals.
  'node:sqlite': [
    /^platform\/sqlite\//,
    /^platform\/[a-z]+\/embedded\//,
    /^detect\/correlate\/store\/open-store\.ts$/,
  ],
  kafkajs: [/^platform\/bus\/kafka\//],
  '@elastic/elasticsearch': [/^platform\/(?:index\/|records\/)?elasticsearch\//],
  '@duckdb/node-api': [],
  // One reader, which keeps the place of every key; one writer, of the demo's configuration.
  'js-yaml': [/^platform\/core\/yaml\.ts$/, /^server\/demo\/write-site-files\.ts$/],
  'node-forge': [/^platform\/identity\//],
  re2js: [/^detect\/sigma\/safe-regex\.ts$/],
  execa: [/^respond\//, /^scanners\//, /^server\/demo\//, /^server\/packs\//],
  pino: [/^platform\/core\/log\.ts$/],
  commander: [/^server\//],
};

const PROGRAM = ['platform', ...STAGES, 'server', 'ui/src'].flatMap((folder) => listFiles(folder, /\.tsx?$/));
const IMPORTS = PROGRAM.flatMap(readImports);
const topOf = (path: string): string => path.split('/')[0] ?? '';
const shown = (found: readonly Import[]): string[] => found.map(({ file, target }) => `${file} → ${target}`);

describe('the directions of imports', () => {
  test('the files and their imports are seen at all', () => {
    expect(PROGRAM.length).toBeGreaterThan(100);
    expect(shown(IMPORTS)).toContain('server/run-site.ts → ingest/intake.ts');
    expect(shown(IMPORTS)).toContain('server/commands/up.ts → server/run-site.ts');
  });

  test.each(Object.entries(MAY_IMPORT))('%s imports only itself and %j', (folder, others) => {
    const wrong = IMPORTS.filter(
      ({ file, target, inside }) =>
        topOf(file) === folder && inside && ![folder, ...others].includes(topOf(target)),
    );
    expect(shown(wrong)).toEqual([]);
  });

  test('the page takes types from the server (and of its reports), and nothing that runs', () => {
    const wrong = IMPORTS.filter(
      ({ file, target, inside, typeOnly }) =>
        topOf(file) === 'ui' &&
        inside &&
        topOf(target) !== 'ui' &&
        !(typeOnly && ['server', 'platform', 'report'].includes(topOf(target))),
    );
    expect(shown(wrong)).toEqual([]);
  });

  test('no program file imports a test, a bench or a recording maker', () => {
    const wrong = IMPORTS.filter(
      ({ target, inside }) => inside && ['test', 'bench', 'demo'].includes(topOf(target)),
    );
    expect(shown(wrong)).toEqual([]);
  });

  test('an adapter imports no other adapter', () => {
    const adapterOf = (path: string): string | undefined =>
      /^(?:ingest\/sources|respond\/actions|respond\/notify|scanners)\/[a-z0-9-]+(?=\/)/.exec(path)?.[0];
    const wrong = IMPORTS.filter(({ file, target }) => {
      const [from, to] = [adapterOf(file), adapterOf(target)];
      return from !== undefined && to !== undefined && from !== to;
    });
    expect(shown(wrong)).toEqual([]);
  });
});

describe('engines and libraries', () => {
  test.each(Object.entries(NAMED_ONLY_BY))('%s is named only where it may be', (name, allowed) => {
    const wrong = IMPORTS.filter(
      ({ file, target }) =>
        (target === name || target.startsWith(`${name}/`)) && !allowed.some((pattern) => pattern.test(file)),
    );
    expect(shown(wrong)).toEqual([]);
  });

  test('an embedded engine is opened only by the opener beside it', () => {
    const wrong = IMPORTS.filter(({ file, target }) => {
      const engine = /^platform\/(?<role>[a-z]+)\/(?:embedded|kafka|elasticsearch)\//.exec(target)?.groups;
      return engine !== undefined && !file.startsWith(`platform/${engine['role']}/`);
    });
    expect(shown(wrong)).toEqual([]);
  });
});

test('every folder of code is one that this test knows', () => {
  for (const folder of Object.keys(MAY_IMPORT)) expect(CODE_FOLDERS).toContain(folder);
});

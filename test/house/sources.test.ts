// Holds the habits of the source files: their opening, names, length, and what is never left in them.
import { describe, expect, test } from 'vitest';
import { CODE_FOLDERS, listFiles, readProjectFile } from './list-files.ts';

const FILES = CODE_FOLDERS.flatMap((folder) => listFiles(folder, /\.tsx?$/)).map((path) => ({
  path,
  text: readProjectFile(path),
}));
const PROGRAM = FILES.filter(({ path }) => !/^(?:test|bench|demo)\//.test(path));

const LONGEST = 350;
/** Longer files, each with why it is one piece. */
const LONGER: Readonly<Record<string, string>> = {
  'detect/sigma/engine/scan/assembly/scan-line.ts':
    'AssemblyScript: its parts share their state as globals of one module',
  'platform/bus/embedded/open-embedded-bus.ts': 'one object with the whole bus contract over shared state',
};

const NEVER: readonly (readonly [string, RegExp])[] = [
  ['mark of unfinished work', /\b(?:TODO|FIXME|XXX)\b/],
  ['any', /\bas any\b|: any\b(?! of)|<any>/],
  ['silenced type', /@ts-(?:ignore|nocheck|expect-error)/],
  ['test that runs alone', /\b(?:test|it|describe)\.only\(/],
  ['test that is left out', /\b(?:test|it|describe)\.(?:skip|todo)\(/],
  ['file or rule that the linter passes over', /(?:eslint|oxlint)-disable(?!-next-line .+ -- )/],
];
/** It names what it looks for. */
const THIS_FILE = 'test/house/sources.test.ts';

const code = (text: string): string => text.replace(/^#!.*\n/, '');

describe('every source file', () => {
  test('is looked at', () => {
    expect(FILES.length).toBeGreaterThan(300);
  });

  test('of the program opens with a comment that says its purpose in words', () => {
    const without = PROGRAM.filter(
      ({ path, text }) =>
        !/^(?:\/\/ \p{L}.{14,}|\/\*\* ?\p{L}.{14,})/u.test(code(text)) && !path.endsWith('routeTree.gen.ts'),
    );
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  test('that tests or measures something opens with a comment, unless its test titles say it', () => {
    const without = FILES.filter(
      ({ path, text }) =>
        /^(?:test|bench|demo)\//.test(path) && !path.endsWith('.test.ts') && !/^\/[/*]/.test(code(text)),
    );
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  test('is named for what it does, in kebab case', () => {
    const vague = FILES.filter(({ path }) =>
      /(?:^|[/-])(?:utils?|helpers?|common|managers?|shared|misc|lib)(?:[./-]|$)/.test(path),
    );
    expect(vague.map(({ path }) => path)).toEqual([]);
    const other = FILES.filter(
      ({ path }) =>
        !/^(?:[a-z0-9-]+\/|zh-CN\/)*[$_a-z0-9.-]+\.tsx?$/.test(path) && !path.endsWith('routeTree.gen.ts'),
    );
    expect(other.map(({ path }) => path)).toEqual([]);
  });

  test.each(NEVER)('holds no %s', (_, pattern) => {
    const found = FILES.filter(({ path }) => path !== THIS_FILE).flatMap(({ path, text }) =>
      text
        .split('\n')
        .map((line, at) => ({ line, place: `${path}:${at + 1}` }))
        .filter(({ line }) => pattern.test(line)),
    );
    expect(found.map(({ line, place }) => `${place}: ${line.trim()}`)).toEqual([]);
  });
});

describe('a file of the program', () => {
  const lengthOf = (text: string): number => text.trimEnd().split('\n').length;

  test(`has at most ${LONGEST} lines, but for those listed`, () => {
    const long = PROGRAM.filter(
      ({ path, text }) => lengthOf(text) > LONGEST && !(path in LONGER) && !path.endsWith('routeTree.gen.ts'),
    );
    expect(long.map(({ path, text }) => `${path}: ${lengthOf(text)}`)).toEqual([]);
  });

  test('is listed as longer only while it is', () => {
    const shrunk = Object.keys(LONGER).filter(
      (path) => !PROGRAM.some((file) => file.path === path && lengthOf(file.text) > LONGEST),
    );
    expect(shrunk).toEqual([]);
  });
});

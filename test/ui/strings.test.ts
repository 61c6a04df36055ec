// The two languages say the same things.
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const FOLDER = resolve(import.meta.dirname, '../../ui/src/i18n');
const SOURCES = resolve(import.meta.dirname, '../../ui/src');

type Strings = { [key: string]: string | Strings };

async function readStrings(language: string): Promise<Map<string, string>> {
  const flat = new Map<string, string>();
  const walk = (strings: Strings, path: string): void => {
    for (const [key, value] of Object.entries(strings)) {
      const place = path === '' ? key : `${path}.${key}`;
      if (typeof value === 'string') flat.set(place, value);
      else walk(value, place);
    }
  };
  for (const file of await readdir(join(FOLDER, language))) {
    if (file.endsWith('.json')) walk(JSON.parse(await readFile(join(FOLDER, language, file), 'utf8')), '');
  }
  return flat;
}

/** Chinese has one plural form where English has two. */
const withoutPlural = (keys: Iterable<string>): string[] =>
  [...new Set([...keys].map((key) => key.replace(/_(?:one|other)$/, '')))].sort();

const placeholders = (text: string): string[] =>
  [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name ?? '').sort();

describe('the strings of the page', () => {
  test('English and Chinese have the same keys', async () => {
    const [english, chinese] = [await readStrings('en'), await readStrings('zh-CN')];
    expect(withoutPlural(chinese.keys())).toEqual(withoutPlural(english.keys()));
  });

  test('Chinese fills the same places as English', async () => {
    const [english, chinese] = [await readStrings('en'), await readStrings('zh-CN')];
    const differing = [...chinese].filter(
      ([key, text]) => placeholders(text).join() !== placeholders(english.get(key) ?? text).join(),
    );
    expect(differing).toEqual([]);
  });

  test('no Chinese string holds an English word but names', async () => {
    for (const [key, text] of await readStrings('zh-CN')) {
      const rest = text.replaceAll(/\{\{\w+\}\}|Picket|KQL|ATT&CK|SPIFFE|JSON/g, '');
      expect([key, /[A-Za-z]{2,}/.test(rest)]).toEqual([key, false]);
    }
  });

  test('every key that a component asks for is there', async () => {
    const english = new Set(withoutPlural((await readStrings('en')).keys()));
    const files = await readdir(SOURCES, { recursive: true });
    for (const file of files.filter((name) => /\.tsx?$/.test(name))) {
      const text = await readFile(join(SOURCES, file), 'utf8');
      for (const [, key] of text.matchAll(/\bt\('([\w.-]+)'/g))
        expect([file, key, english.has(key ?? '')]).toEqual([file, key, true]);
    }
  });

  test('features never import one another', async () => {
    const files = await readdir(join(SOURCES, 'features'), { recursive: true });
    for (const file of files.filter((name) => /\.tsx?$/.test(name))) {
      const text = await readFile(join(SOURCES, 'features', file), 'utf8');
      const foreign = [...text.matchAll(/from '(\.\.\/(?!\.\.)[^']+)'/g)].map(([, path]) => path);
      expect([file, foreign]).toEqual([file, []]);
    }
  });
});

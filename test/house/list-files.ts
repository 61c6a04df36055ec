// The project's own source files, and what each imports.
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, resolve, sep } from 'node:path';

export const PROJECT = resolve(import.meta.dirname, '..', '..');

/** The folders that hold code; `ui` has a house of its own inside. */
export const CODE_FOLDERS = [
  'platform',
  'ingest',
  'detect',
  'scanners',
  'respond',
  'report',
  'server',
  'ui/src',
  'test',
  'bench',
  'demo',
] as const;

const LEFT_OUT = new Set(['node_modules', 'dist', 'fixtures', 'recordings']);

/** Paths from the project folder with `/`, sorted; folders that are not there hold nothing. */
export function listFiles(folder: string, extension: RegExp): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(join(PROJECT, folder), { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return entries
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : listFiles(path, extension);
      return entry.isFile() && extension.test(entry.name) ? [path] : [];
    })
    .sort();
}

export function readProjectFile(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

export interface Import {
  readonly file: string;
  /** A project path for what lies in the project, else the package or `node:` module as written. */
  readonly target: string;
  /** The target is a file of the project. */
  readonly inside: boolean;
  /** Nothing of it is there when the program runs. */
  readonly typeOnly: boolean;
}

const STATEMENT =
  /^[ \t]*(?:import|export)\s+(?<type>type\s)?(?:[\w$*{}\s,]*?\sfrom\s+)?['"](?<from>[^'"\n]+)['"]/gm;
const CALL = /\bimport\(\s*['"](?<from>[^'"\n]+)['"]\s*\)/g;

/** Static and dynamic imports and re-exports of a file. */
export function readImports(file: string): Import[] {
  const text = readProjectFile(file);
  const found = [...text.matchAll(STATEMENT), ...text.matchAll(CALL)];
  return found.map(({ groups }) => {
    const from = groups?.['from'] ?? '';
    const target = from.startsWith('.')
      ? relative(PROJECT, resolve(PROJECT, file, '..', from))
          .split(sep)
          .join('/')
      : from;
    // `import('x').Y` in a type position is rare, and counted as a real import: stricter, never laxer.
    return { file, target, inside: from.startsWith('.'), typeOnly: groups?.['type'] !== undefined };
  });
}

// Where content (rules, pipelines, playbooks, residency files) lies: beside the configuration, or with the program.
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';

/** The folder of the program: the one that holds package.json. */
export const PROGRAM_FOLDER = resolve(import.meta.dirname, '..');

/** An absolute path as it is; a relative one beside the configuration file if it is there, else in the program's folder. */
export function resolveContent(path: string, configFile: string): string {
  if (isAbsolute(path)) return path;
  const beside = join(dirname(resolve(configFile)), path);
  return existsSync(beside) ? beside : join(PROGRAM_FOLDER, path);
}

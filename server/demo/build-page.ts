// Builds the page when its sources are newer than what was built.
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { PicketError } from '../../platform/core/errors.ts';
import { PROGRAM_FOLDER } from '../content-path.ts';

const BUILD_TIMEOUT_MS = 300_000;

/** The newest change under a folder or of a file, ms since the epoch; 0 when it is not there. */
async function newestChange(path: string): Promise<number> {
  if (!existsSync(path)) return 0;
  const { mtimeMs } = await stat(path);
  if (!(await stat(path)).isDirectory()) return mtimeMs;
  const inside = await readdir(path, { recursive: true, withFileTypes: true });
  const times = await Promise.all(
    inside
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).mtimeMs),
  );
  return Math.max(0, ...times);
}

/** @throws PicketError PAGE_BUILD with the end of the builder's output */
export async function buildPage(tell: (line: string) => void): Promise<void> {
  const folder = join(PROGRAM_FOLDER, 'ui');
  const sources = ['src', 'public', 'index.html', 'package.json', 'vite.config.ts'].map((name) =>
    join(folder, name),
  );
  if (!existsSync(join(folder, 'src'))) return;
  const [built, ...changed] = await Promise.all([
    newestChange(join(folder, 'dist', 'index.html')),
    ...sources.map(newestChange),
  ]);
  if ((built ?? 0) >= Math.max(...changed)) return;
  tell('building the page (once; again when its sources change)');
  const vite = join(PROGRAM_FOLDER, 'node_modules', 'vite', 'bin', 'vite.js');
  const result = await execa(process.execPath, [vite, 'build', '--logLevel', 'error'], {
    cwd: folder,
    timeout: BUILD_TIMEOUT_MS,
    reject: false,
    all: true,
    env: { NO_COLOR: '1' },
  });
  if (result.failed) {
    throw new PicketError({
      code: 'PAGE_BUILD',
      message: `the page could not be built: ${(result.all ?? '').slice(0, 2_000)}`,
    });
  }
}

/** Where programs that tests need are kept: a folder outside the checkout, so that a fresh clone finds them again. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The cache folder: `PICKET_CACHE`, or `~/.cache/picket`. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment['PICKET_CACHE'];
  return named === undefined || named === '' ? join(homedir(), '.cache', 'picket') : named;
}

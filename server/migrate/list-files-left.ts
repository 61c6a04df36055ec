// Names what of an old data folder is in no store, and that a new data folder still lacks: keys, packs, places in followed files.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of a data folder that stay files, whatever the stores stand on. */
const FILES = ['identity', 'authority', 'packs', 'tail'] as const;

/** Each as `<old> → <new>`; none where both are one folder. */
export function listFilesLeft(from: string, to: string): { from: string; to: string }[] {
  if (from === to) return [];
  return FILES.map((name) => ({ from: join(from, name), to: join(to, name) })).filter(
    (one) => existsSync(one.from) && !existsSync(one.to),
  );
}

// Takes a pack's files from a folder; symbolic links are left out, since they could lead anywhere.
import { lstat, opendir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import type { PackFiles } from './pack-files.ts';

/** @throws PicketError PACK_UNREADABLE, PACK_LIMIT, PACK_CANCELLED */
export async function collectFolder(options: {
  folder: string;
  into: PackFiles;
  signal: AbortSignal;
}): Promise<void> {
  const { folder, into, signal } = options;
  const visit = async (inner: string): Promise<void> => {
    for await (const entry of await opendir(join(folder, inner))) {
      if (signal.aborted) throw new PicketError({ code: 'PACK_CANCELLED', message: 'cancelled' });
      const name = inner === '' ? entry.name : `${inner}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.')) await visit(name);
        continue;
      }
      if (!entry.isFile()) {
        into.skipped++;
        continue;
      }
      const path = join(folder, inner, entry.name);
      if (into.look(name, (await lstat(path)).size)) into.add(name, await readFile(path));
    }
  };
  try {
    await visit('');
  } catch (cause) {
    if (cause instanceof PicketError) throw cause;
    throw new PicketError({
      code: 'PACK_UNREADABLE',
      message: `the folder cannot be read: ${describeError(cause)}`,
      place: { file: folder },
      cause,
    });
  }
}

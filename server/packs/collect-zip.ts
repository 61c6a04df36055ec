// Takes a pack's files from a zip file, trusting nothing that it says of itself.
import { promisify } from 'node:util';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import type { PackFiles } from './pack-files.ts';

const openZip = promisify<string, yauzl.Options, ZipFile>(yauzl.open);
const FILE_TYPE = 0o170_000;
const REGULAR = 0o100_000;

/**
 * Names that lead out are refused as a whole (zip slip), links and encrypted entries left out, and a file that
 * unpacks to more than it says, or than fits, ends it (zip bomb). One folder around everything is taken off.
 * @throws PicketError PACK_UNREADABLE, PACK_UNSAFE, PACK_LIMIT, PACK_CANCELLED
 */
export async function collectZip(options: {
  file: string;
  into: PackFiles;
  signal: AbortSignal;
}): Promise<void> {
  const { file, into, signal } = options;
  let zip: ZipFile | undefined;
  try {
    zip = await openZip(file, { lazyEntries: true, autoClose: false, strictFileNames: true });
    const entries = await listEntries(zip, signal);
    const outer = outerFolder(entries);
    for (const entry of entries) {
      if (signal.aborted) throw new PicketError({ code: 'PACK_CANCELLED', message: 'cancelled' });
      const type = (entry.externalFileAttributes >>> 16) & FILE_TYPE;
      if ((type !== 0 && type !== REGULAR) || entry.isEncrypted()) {
        into.skipped++;
        continue;
      }
      const name = entry.fileName.slice(outer.length);
      if (into.look(name, entry.uncompressedSize)) into.add(name, await readEntry(zip, entry, into.room()));
    }
  } catch (cause) {
    if (cause instanceof PicketError) throw cause;
    const message = describeError(cause);
    throw new PicketError({
      // The library refuses names that lead out of itself.
      code: /invalid relative path|absolute path|invalid characters in fileName/.test(message)
        ? 'PACK_UNSAFE'
        : 'PACK_UNREADABLE',
      message: `the zip file cannot be taken: ${message}`,
      place: { file },
      cause,
    });
  } finally {
    zip?.close();
  }
}

/** Entries that are files. Zips with more than the central directory can sensibly hold end by the bound on entries. */
function listEntries(zip: ZipFile, signal: AbortSignal): Promise<Entry[]> {
  const entries: Entry[] = [];
  return new Promise((resolve, reject) => {
    zip.on('entry', (entry: Entry) => {
      if (!entry.fileName.endsWith('/')) entries.push(entry);
      if (entries.length > MOST_LISTED || signal.aborted) {
        reject(
          new PicketError({
            code: signal.aborted ? 'PACK_CANCELLED' : 'PACK_LIMIT',
            message: signal.aborted ? 'cancelled' : `the pack is too large: more than ${MOST_LISTED} entries`,
          }),
        );
        return;
      }
      zip.readEntry();
    });
    zip.once('end', () => resolve(entries));
    zip.once('error', reject);
    zip.readEntry();
  });
}
const MOST_LISTED = 500_000;

/** `sigma-main/` when everything lies in it, as archives of repositories are made; else empty. */
function outerFolder(entries: readonly Entry[]): string {
  const first = entries[0]?.fileName ?? '';
  const outer = first.slice(0, first.indexOf('/') + 1);
  return outer !== '' && entries.every(({ fileName }) => fileName.startsWith(outer)) ? outer : '';
}

async function readEntry(zip: ZipFile, entry: Entry, limit: number): Promise<Buffer> {
  const stream = await promisify<Entry, NodeJS.ReadableStream>((wanted, done) =>
    zip.openReadStream(wanted, done),
  )(entry);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream) {
    const bytes = part as Buffer;
    size += bytes.length;
    if (size > limit)
      throw new PicketError({
        code: 'PACK_LIMIT',
        message: `the pack is too large: ${entry.fileName} unpacks to more than ${limit} bytes`,
      });
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

// Keys and certificates on disk: written atomically, readable by their owner alone.
import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Writes a file of mode 0600 so that a crash leaves the old one or the new one, never a part. */
export function writeSecretFile(file: string, content: string | Uint8Array): Promise<void> {
  return putSecretFile(file, content, rename);
}

/** Writes it beside its place, and lets `place` bring it there. */
async function putSecretFile(
  file: string,
  content: string | Uint8Array,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString('hex')}.new`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await place(temporary, file);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * The file's bytes, or undefined when there is none. A file that others may read is closed to them first, unless it
 * is not ours to close (a mounted secret).
 */
export async function readSecretFile(file: string): Promise<Buffer | undefined> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  await chmod(file, 0o600).catch((error: unknown) => {
    if (codeOf(error) !== 'EROFS' && codeOf(error) !== 'EPERM') throw error;
  });
  return content;
}

/**
 * Reads a secret file, or makes it once with what `make` gives. Of several processes that make it at the same moment
 * one is first, and all have what that one made.
 */
export async function keepSecret(
  file: string,
  make: () => Promise<string | Uint8Array> | string | Uint8Array,
): Promise<Buffer> {
  const kept = await readSecretFile(file);
  if (kept) return kept;
  await putSecretFile(file, await make(), async (from, to) => {
    try {
      await link(from, to);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    await unlink(from);
  });
  return (await readSecretFile(file)) as Buffer;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** A key of 32 random bytes that never leaves the folder, made at its first use. */
export function keepRandomKey(folder: string, name: string): Promise<Buffer> {
  return keepSecret(join(folder, `${name}.key`), () => randomBytes(32));
}

// Keys and certificates on disk: written atomically, readable by their owner alone.
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Writes a file of mode 0600 so that a crash leaves the old one or the new one, never a part. */
export async function writeSecretFile(file: string, content: string | Uint8Array): Promise<void> {
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
  await rename(temporary, file);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The file's bytes, or undefined when there is none. A file that others may read is closed to them first. */
export async function readSecretFile(file: string): Promise<Buffer | undefined> {
  try {
    const content = await readFile(file);
    await chmod(file, 0o600);
    return content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Reads a secret file, or makes it once with what `make` gives. */
export async function keepSecret(
  file: string,
  make: () => Promise<string | Uint8Array> | string | Uint8Array,
): Promise<Buffer> {
  const kept = await readSecretFile(file);
  if (kept) return kept;
  const made = await make();
  await writeSecretFile(file, made);
  return Buffer.from(made);
}

/** A key of 32 random bytes that never leaves the folder, made at its first use. */
export function keepRandomKey(folder: string, name: string): Promise<Buffer> {
  return keepSecret(join(folder, `${name}.key`), () => randomBytes(32));
}

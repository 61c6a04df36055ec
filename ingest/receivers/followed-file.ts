// One followed file: its handle, how far it was read, and the check that it is still the same content.
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { TailCheckpoint } from './tail-checkpoint.ts';

const FINGERPRINT_BYTES = 1_024;

export interface FollowedFile {
  readonly handle: FileHandle;
  readonly inode: string;
  path: string;
  checkpoint: TailCheckpoint;
  /** When the path began to name another file (or none); ms of the clock, undefined while it is in place. */
  goneSince: number | undefined;
  /** Size when it was last looked at. */
  size: number;
  /** Its time of change then, ns since the epoch. */
  modified: bigint;
}

/** `dev:inode`, size and time of change of an open file. */
export async function inodeOf(
  handle: FileHandle,
): Promise<{ inode: string; size: number; modified: bigint }> {
  const { dev, ino, size, mtimeNs } = await handle.stat({ bigint: true });
  return { inode: `${dev}:${ino}`, size: Number(size), modified: mtimeNs };
}

/**
 * Opens a path; goes on from a checkpoint of the same inode if the file still begins as it says and is not
 * shorter, else from `start`.
 */
export async function openFollowed(options: {
  path: string;
  known: (inode: string) => TailCheckpoint | undefined;
  from: 'beginning' | 'end';
}): Promise<FollowedFile> {
  const handle = await open(options.path, 'r');
  try {
    const { inode, size } = await inodeOf(handle);
    const known = options.known(inode);
    const file = { handle, inode, path: options.path, goneSince: undefined, size: 0, modified: 0n };
    if (known && (await isSameContent(handle, known, size))) return { ...file, checkpoint: known };
    const checkpoint = newGeneration(inode);
    // `end` is for files that were there before; what took the place of a known one is read whole.
    if (options.from === 'end' && !known) checkpoint.offset = size;
    const followed = { ...file, checkpoint };
    await refreshFingerprint(followed);
    return followed;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A fresh start at offset 0 under a name of its own, so that offsets never mean two records. */
export function newGeneration(inode: string): TailCheckpoint {
  return {
    inode,
    generation: randomBytes(8).toString('hex'),
    offset: 0,
    skipping: false,
    fingerprint: '',
    fingerprint_bytes: 0,
  };
}

/** False when the file is shorter than what was read of it, or begins differently: it was truncated or is another. */
export async function isSameContent(
  handle: FileHandle,
  checkpoint: TailCheckpoint,
  size: number,
): Promise<boolean> {
  if (size < checkpoint.offset) return false;
  if (checkpoint.fingerprint_bytes === 0) return true;
  return (await hashStart(handle, checkpoint.fingerprint_bytes)) === checkpoint.fingerprint;
}

/**
 * Takes the fingerprint over as much of the read part as it covers. `read` is what was just read, up to the offset:
 * the file itself may be another by now, and its start is then left to be found different.
 */
export async function refreshFingerprint(file: FollowedFile, read?: Uint8Array): Promise<void> {
  const { offset, fingerprint: known, fingerprint_bytes } = file.checkpoint;
  const bytes = Math.min(offset, FINGERPRINT_BYTES);
  if (bytes === fingerprint_bytes) return;
  let fingerprint: string;
  if (read) {
    const start = await readStart(file.handle, fingerprint_bytes);
    if (fingerprint_bytes > 0 && digest(start) !== known) return;
    fingerprint = digest(start, read.subarray(0, bytes - fingerprint_bytes));
  } else fingerprint = await hashStart(file.handle, bytes);
  file.checkpoint = { ...file.checkpoint, fingerprint, fingerprint_bytes: bytes };
}

async function hashStart(handle: FileHandle, length: number): Promise<string> {
  return digest(await readStart(handle, length));
}

async function readStart(handle: FileHandle, length: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, 0);
  return buffer.subarray(0, bytesRead);
}

function digest(...parts: Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

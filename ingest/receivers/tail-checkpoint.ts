// How far each followed file was read, on disk: written whole, synced and renamed into place.
import { open, readFile, rename } from 'node:fs/promises';
import { z } from 'zod';
import { describeError, PicketError } from '../../platform/core/errors.ts';

export const TailCheckpoint = z.object({
  /** `dev:inode`, which is all the system says of which file it is. */
  inode: z.string(),
  /** Given when the file was first seen: inodes are used again and truncated files start again at 0. */
  generation: z.string(),
  /** Bytes that the intake acknowledged. */
  offset: z.number().int().min(0),
  /** True inside the rest of an over-long line. */
  skipping: z.boolean(),
  /** SHA-256, hex, of the first `fingerprint_bytes` bytes. */
  fingerprint: z.string(),
  fingerprint_bytes: z.number().int().min(0),
});
export type TailCheckpoint = z.infer<typeof TailCheckpoint>;

const CheckpointFile = z.object({ version: z.literal(1), files: z.array(TailCheckpoint) });

/** What was stored; empty when there is no file yet. @throws PicketError TAIL_CHECKPOINT when it cannot be read */
export async function loadCheckpoints(file: string): Promise<TailCheckpoint[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw unreadable(file, error);
  }
  try {
    return CheckpointFile.parse(JSON.parse(text)).files;
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Resolves when the checkpoints are durable. */
export async function saveCheckpoints(file: string, files: readonly TailCheckpoint[]): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(JSON.stringify({ version: 1, files }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

function unreadable(file: string, cause: unknown): PicketError {
  return new PicketError({
    code: 'TAIL_CHECKPOINT',
    message: `the positions of followed files cannot be read: ${describeError(cause)}`,
    place: { file },
    cause,
  });
}

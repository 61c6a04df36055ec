// The pins of a site's packs: which content each has, kept beside the packs so that a changed folder is noticed.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import { PackName, PackSource } from './pack-source.ts';

export const PINS_FILE = 'packs.json';

export const Pin = z.strictObject({
  name: PackName,
  source: PackSource,
  /** SHA-256 over its rule files, hex: what alerts name as `rule.pack`. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** git: the commit that was taken. */
  commit: z.string().optional(),
  files: z.number().int(),
  /** Links and the like that were left out. */
  skipped: z.number().int(),
  licence: z.object({
    id: z.string(),
    file: z.string().optional(),
    rules: z.record(z.string(), z.number().int()),
  }),
  added: z.string(),
  updated: z.string(),
  actor: z.string(),
});
export type Pin = z.infer<typeof Pin>;

const Pins = z.strictObject({ schema: z.literal(1), packs: z.array(Pin) });

/** Empty when there is no file yet. @throws PicketError PACK_PINS when it cannot be read */
export function readPins(folder: string): Pin[] {
  const file = join(folder, PINS_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(file, cause);
  }
  try {
    return Pins.parse(JSON.parse(text)).packs;
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** Replaces the file whole: a crash leaves the one before. */
export function writePins(folder: string, packs: readonly Pin[]): void {
  const file = join(folder, PINS_FILE);
  writeFileSync(`${file}.new`, `${JSON.stringify({ schema: 1, packs }, null, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(`${file}.new`, file);
}

function unreadable(file: string, cause: unknown): PicketError {
  return new PicketError({
    code: 'PACK_PINS',
    message: `the pins of the packs cannot be read: ${describeError(cause)}`,
    place: { file },
    cause,
  });
}

// The disk behind a spool: an embedded bus in a folder, emptied by removing it.
import { rm } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import { openEmbeddedBus } from '../embedded/open-embedded-bus.ts';
import type { SpoolStore } from './spooled-bus.ts';

/** Brokers that are back are noticed within this. */
const RETRY_MOST_MS = 2_000;

export function spoolFolder(options: { folder: string; max_bytes: number; clock: Clock }): SpoolStore {
  const { folder, max_bytes, clock } = options;
  return {
    open: () => openEmbeddedBus({ folder, clock, limits: { max_bytes, retry_most_ms: RETRY_MOST_MS } }),
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}

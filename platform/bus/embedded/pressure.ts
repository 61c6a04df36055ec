// How full the bus is: the share of its byte budget, or of the disk when it has none (SEMANTICS, Durability).
import { statfsSync } from 'node:fs';
import type { Clock } from '../../core/clock.ts';

/** Producers should slow down from here on. */
export const CONGESTED_SHARE = 0.9;
/** Nothing more is taken from here on. */
export const FULL_SHARE = 0.95;

/** How long a look at the disk is good for. */
const DISK_LOOK_MS = 1_000;

/** Bytes of the disk that a folder stands on, as `df` counts them. */
export type MeasureDisk = (folder: string) => { used: number; total: number };

export const measureDisk: MeasureDisk = (folder) => {
  const { blocks, bfree, bavail, bsize } = statfsSync(folder);
  const used = (blocks - bfree) * bsize;
  return { used, total: used + bavail * bsize };
};

export class Pressure {
  readonly #options: {
    folder: string;
    clock: Clock;
    max_bytes: number | undefined;
    usedBytes: () => number;
    measureDisk: MeasureDisk;
  };
  #lookedAt = Number.NEGATIVE_INFINITY;
  #diskShare = 0;

  constructor(options: {
    folder: string;
    clock: Clock;
    max_bytes: number | undefined;
    usedBytes: () => number;
    measureDisk: MeasureDisk;
  }) {
    this.#options = options;
  }

  /** 0 to 1. */
  share(): number {
    const { max_bytes, usedBytes, folder, clock } = this.#options;
    if (max_bytes !== undefined) return usedBytes() / max_bytes;
    const now = clock.monotonic();
    if (now - this.#lookedAt >= DISK_LOOK_MS) {
      const { used, total } = this.#options.measureDisk(folder);
      this.#diskShare = total > 0 ? used / total : 0;
      this.#lookedAt = now;
    }
    return this.#diskShare;
  }
}

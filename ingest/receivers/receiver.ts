// What every receiver needs of the intake, and what it hands back to the one that started it.
import type { RateLimiter } from '../rate-limit.ts';
import type { RawRecord } from '../source.ts';

/** The part of Intake (ingest/intake.ts) that receivers use. */
export interface ReceiverIntake {
  /** Resolves when all is durable; rejects with BUS_FULL or BUS_CLOSED when nothing was taken. */
  accept(sourceId: string, records: readonly RawRecord[]): Promise<unknown>;
  congested(): boolean;
  /** Counts what never became a record. */
  drop(sourceId: string, reason: string, by?: number): void;
  /** Counts a sender that may not write to the source. */
  turnAway(sourceId: string, reason: string, peer: string | undefined): void;
}

export interface Receiver {
  /** The port that is listened on, where there is one. */
  readonly port?: number;
  /** Stops taking in, hands over what is held, and resolves when all is closed. */
  close(): Promise<void>;
}

/** What all receivers of one source are given. */
export interface ReceiverOptions {
  readonly sourceId: string;
  readonly intake: ReceiverIntake;
  /** The source's own; without it there is no bound. */
  readonly limiter?: RateLimiter | undefined;
  /** Longer records are handed over cut one byte above it and marked so: the intake dead-letters them. */
  readonly max_record_bytes: number;
  readonly clock: { now(): number; sleep(duration_ms: number, signal?: AbortSignal): Promise<void> };
  /** Hears of faults of the machine (socket, disk, bus), which are tried again. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

const RETRY_MS = 100;

/**
 * Hands records over, waiting while the bus is congested and trying again when it took nothing. False when
 * `signal` ended the waiting: the records were not taken.
 */
export async function handOver(
  options: ReceiverOptions,
  records: readonly RawRecord[],
  signal: AbortSignal,
): Promise<boolean> {
  const { intake, sourceId, clock } = options;
  const marked = records.map((record) =>
    record.bytes.length > options.max_record_bytes ? { ...record, cut: true } : record,
  );
  const pause = (): Promise<void> => clock.sleep(RETRY_MS, signal).catch(() => {});
  for (;;) {
    while (intake.congested() && !signal.aborted) await pause();
    if (signal.aborted && intake.congested()) return false;
    try {
      await intake.accept(sourceId, marked);
      return true;
    } catch (error) {
      options.onError?.(error);
      if (signal.aborted || isFinal(error)) return false;
      await pause();
    }
  }
}

/** Errors that no waiting mends. */
function isFinal(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'BUS_CLOSED' || code === 'SOURCE_UNKNOWN';
}

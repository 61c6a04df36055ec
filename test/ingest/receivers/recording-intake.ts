// An intake that remembers what it was given, and that a test can stop and start.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceiverIntake } from '../../../ingest/receivers/receiver.ts';
import type { RawRecord } from '../../../ingest/source.ts';

export interface RecordingIntake extends ReceiverIntake {
  readonly records: RawRecord[];
  readonly drops: Map<string, number>;
  texts(): string[];
  /** While true nothing is accepted. */
  blocked: boolean;
}

export function createRecordingIntake(): RecordingIntake {
  const records: RawRecord[] = [];
  const drops = new Map<string, number>();
  const intake: RecordingIntake = {
    records,
    drops,
    blocked: false,
    texts: () => records.map(({ bytes }) => Buffer.from(bytes).toString('utf8')),
    accept: async (_sourceId, taken) => {
      records.push(...taken);
    },
    congested: () => intake.blocked,
    turnAway: (_sourceId, reason) => void drops.set(reason, (drops.get(reason) ?? 0) + 1),
    drop: (_sourceId, reason, by = 1) => void drops.set(reason, (drops.get(reason) ?? 0) + by),
  };
  return intake;
}

/** The machine's clock with shorter waits. */
export const quickClock = {
  now: () => Date.now(),
  sleep: async (duration_ms: number, signal?: AbortSignal): Promise<void> => {
    await sleep(Math.min(duration_ms, 20), undefined, signal ? { signal } : {});
  },
};

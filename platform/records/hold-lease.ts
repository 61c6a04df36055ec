// Work that one process at a time may do: it holds a lease among the records, and another takes over when it falls silent.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { describeError, errorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { RecordStore, StoredRecord } from './record-store.ts';

/** A record of collection `leases`, by the name of the work (after Lease of Kubernetes' coordination.k8s.io/v1). */
export interface Lease {
  /** The instance that holds it; empty when it was given back. */
  readonly holder: string;
  /** Names one run of that instance: of two of the same name one is the holder. */
  readonly token: string;
  /** Silence of the holder after which another may take it. */
  readonly duration_ms: number;
  /** By the holder's clock; for people to read, nothing is decided by it. */
  readonly renewed: string;
  /** How often it went from one to another. */
  readonly transitions: number;
}

const DURATION_MS = 15_000;

export interface HeldLease {
  /** True while this process does the work. */
  holds(): boolean;
  /** Ends the work and gives the lease back, so that another goes on at once. */
  stop(): Promise<void>;
}

/** What a holder does until it is stopped. */
export interface Work {
  stop(): Promise<unknown>;
}

/**
 * Starts the work whenever this process has the lease, and stops it when the lease is lost or can no longer be
 * renewed. Silence is measured by each process's own monotonic clock from when it saw the lease change, so that wall
 * clocks may differ or step. A holder that hangs for longer than the lease wakes beside its successor for up to a
 * renewal: the work must bear that, by records that are updated only if unchanged. Resolves after the first attempt,
 * so that a single process has its work running; what goes wrong later is logged and tried again.
 * @param options.start throws or rejects when the work cannot begin: the lease is given back and tried for again
 */
export async function holdLease(options: {
  records: RecordStore;
  name: string;
  /** The instance; one that was killed and comes back with its name goes on at once. */
  holder: string;
  clock: Clock;
  logger: Logger;
  start: () => Promise<Work> | Work;
  duration_ms?: number;
}): Promise<HeldLease> {
  const { records, name, holder, clock, logger, start, duration_ms = DURATION_MS } = options;
  const token = randomUUID();
  const stopping = new AbortController();
  const beat_ms = duration_ms / 3;
  /** The lease of another, and since when it has not changed. */
  let watched: { revision: string; since: number } | undefined;
  let holding: { record: StoredRecord<Lease>; renewed: number; work: Work } | undefined;

  const claim = (current: Lease | undefined): Lease => ({
    holder,
    token,
    duration_ms,
    renewed: new Date(clock.now()).toISOString(),
    transitions: current === undefined ? 0 : current.transitions + (current.token === token ? 0 : 1),
  });
  /** Undefined when another has it. */
  const tryTake = async (): Promise<StoredRecord<Lease> | undefined> => {
    const current = await records.get<Lease>('leases', name);
    try {
      if (!current) return await records.create('leases', name, claim(undefined));
      const { value, revision } = current;
      const free = value.holder === '' || value.holder === holder;
      if (!free) {
        if (watched?.revision !== revision) watched = { revision, since: clock.monotonic() };
        if (clock.monotonic() - watched.since < value.duration_ms) return undefined;
      }
      return await records.update('leases', { ...current, value: claim(value) });
    } catch (error) {
      if (isTakenByAnother(error)) return undefined;
      throw error;
    }
  };
  const giveBack = async (record: StoredRecord<Lease>): Promise<void> => {
    try {
      await records.update('leases', { ...record, value: { ...claim(record.value), holder: '' } });
    } catch (error) {
      // Another has it, or it runs out by itself.
      logger.debug({ lease: name, code: errorCode(error) }, 'a lease was not given back');
    }
  };
  const endWork = async (): Promise<void> => {
    const held = holding;
    holding = undefined;
    await held?.work.stop().catch((error: unknown) => {
      logger.error({ lease: name, err: error }, 'work under a lease did not end cleanly');
    });
  };

  const take = async (): Promise<void> => {
    const began = clock.monotonic();
    const record = await tryTake();
    if (!record) return;
    try {
      holding = { record, renewed: began, work: await start() };
      logger.info({ lease: name, transitions: record.value.transitions }, 'this process does this work now');
    } catch (error) {
      await giveBack(record);
      throw error;
    }
  };
  const renew = async (held: NonNullable<typeof holding>): Promise<void> => {
    const began = clock.monotonic();
    try {
      held.record = await records.update('leases', { ...held.record, value: claim(held.record.value) });
      held.renewed = began;
    } catch (error) {
      const lost = isTakenByAnother(error) && !(await isOurs(held));
      // A third of the time is left for the work to end in.
      if (!lost && clock.monotonic() - held.renewed < duration_ms - beat_ms) {
        logger.warn({ lease: name, code: errorCode(error) }, `not renewed: ${describeError(error)}`);
        return;
      }
      logger.warn({ lease: name, lost, code: errorCode(error) }, 'this process leaves this work');
      await endWork();
    }
  };
  /** An update whose answer was lost may have been written: then the lease is ours at another revision. */
  const isOurs = async (held: NonNullable<typeof holding>): Promise<boolean> => {
    const current = await records.get<Lease>('leases', name).catch(() => undefined);
    if (current?.value.token !== token) return false;
    held.record = current;
    return true;
  };
  const beat = async (): Promise<void> => {
    try {
      if (holding) await renew(holding);
      else await take();
    } catch (error) {
      logger.warn({ lease: name, code: errorCode(error) }, `a lease was not taken: ${describeError(error)}`);
    }
  };

  await beat();
  const running = (async () => {
    for (;;) {
      await clock.sleep(beat_ms, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await beat();
    }
  })();
  return {
    holds: () => holding !== undefined,
    async stop() {
      stopping.abort();
      await running;
      const record = holding?.record;
      await endWork();
      if (record) await giveBack(record);
    },
  };
}

function isTakenByAnother(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'RECORD_CONFLICT' || code === 'RECORD_EXISTS';
}

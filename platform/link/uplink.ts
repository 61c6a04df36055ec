// The site's uplink: reads its own bus, keeps one batch outstanding, and passes on only when the parent has it.
import type { KeyObject } from 'node:crypto';
import type { Bus, BusBatch, Consumer } from '../bus/bus.ts';
import { contentHash } from '../core/canonical-json.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import type { Logger } from '../core/log.ts';
import type { ResidencyLedgerEntry } from '../core/residency-ledger.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import { TOPICS } from '../core/topics.ts';
import { createTurns } from '../core/turns.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { CompiledResidencyPolicy } from '../residency/compile-policy.ts';
import { type DecisionCounts, sumDecisions } from '../residency/count-decisions.ts';
import { encodeBatch } from './batch.ts';
import { prepareRecords, UPLINK_TOPICS } from './prepare-records.ts';
import { loadUplinkState, saveUplinkState, type UplinkState } from './uplink-state.ts';

/** The consumer group of the uplink; `lag(UPLINK_GROUP)` is the spool. */
export const UPLINK_GROUP = 'uplink';

/** Where a crash may fall; tests stop there. */
export type UplinkStep = 'prepared' | 'stored' | 'acknowledged' | 'published' | 'settled';

export interface UplinkOptions {
  readonly bus: Bus;
  readonly records: RecordStore;
  readonly site: { readonly tenant: string; readonly id: string; readonly jurisdiction: string };
  /** Jurisdiction of the parent. */
  readonly destination: string;
  readonly policy: CompiledResidencyPolicy;
  readonly signingKey: KeyObject;
  /** What the batches follow: after a new enrolment, the one that the parent took last. */
  readonly chain: { readonly id: string; readonly sequence: number; readonly hash: string };
  /** True when this site works its own rules, so that the parent does not again. */
  readonly detects: boolean;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly bounds?: { readonly max_records?: number; readonly max_bytes?: number };
  /** How long decisions are summed before they are published as a ledger entry. */
  readonly ledger_ms?: number;
  /** Sends until the parent has the batch; rejects only when `signal` aborts or nothing can mend it. */
  readonly send: (body: Buffer, signal: AbortSignal) => Promise<unknown>;
  readonly reached?: (step: UplinkStep) => Promise<void>;
}

export interface Uplink {
  /** Records that may leave and have not yet, about. */
  spool(): Promise<{ records: number }>;
  stop(): Promise<void>;
}

/** Begins to send what the site's bus holds. @throws PicketError UPLINK_STATE_DAMAGED */
export async function startUplink(options: UplinkOptions): Promise<Uplink> {
  const { bus, records, site, policy, destination, clock, counters, logger } = options;
  const stopping = new AbortController();
  const turns = createTurns();
  let state = await loadUplinkState(records);
  const reached = async (step: UplinkStep): Promise<void> => {
    stopping.signal.throwIfAborted();
    await options.reached?.(step);
  };
  const save = async (next: UplinkState): Promise<void> => {
    await saveUplinkState(records, next);
    state = next;
  };

  /** Sends what is outstanding until it is acknowledged, then counts it and moves on. */
  const settle = async (signal: AbortSignal): Promise<void> => {
    const { outstanding } = state;
    if (!outstanding) return;
    const { batch } = outstanding;
    let { sequence, hash } = state;
    if (batch) {
      await options.send(Buffer.from(batch.body, 'base64'), signal);
      ({ sequence, hash } = batch);
      await reached('acknowledged');
    }
    const { outstanding: _, ...rest } = state;
    const ledger = addToLedger({ state, decisions: outstanding.decisions, now: clock.now(), policy });
    const positions = { ...state.positions, ...outstanding.positions };
    await save({ ...rest, sequence, hash, positions, ...(ledger ? { ledger } : {}) });
    await reached('settled');
  };

  const take = async (batch: BusBatch, signal: AbortSignal): Promise<void> => {
    const definition = UPLINK_TOPICS.find(({ topic }) => topic.name === batch.topic);
    if (!definition) return;
    await settle(signal);
    const place = `${batch.topic}/${batch.partition}`;
    const fresh = batch.records.filter((record) => record.offset >= (state.positions[place] ?? 0));
    const last = fresh.at(-1);
    if (!last) return;
    const { kind } = definition;
    const detects = options.detects;
    const { lines, decisions } = prepareRecords({
      records: fresh,
      kind,
      policy,
      destination,
      detects,
      counters,
    });
    await reached('prepared');
    const sequence = state.sequence + 1;
    const encoded =
      lines.length === 0
        ? undefined
        : encodeBatch({
            header: {
              schema: SCHEMA_VERSION,
              tenant: site.tenant,
              site: site.id,
              jurisdiction: site.jurisdiction,
              destination,
              sequence,
              previous: state.hash,
              made: new Date(clock.now()).toISOString(),
              policy_version: policy.version,
            },
            lines,
            key: options.signingKey,
          });
    const sent = encoded
      ? { batch: { sequence, hash: encoded.hash, body: encoded.body.toString('base64') } }
      : {};
    await save({ ...state, outstanding: { ...sent, positions: { [place]: last.offset + 1 }, decisions } });
    await reached('stored');
    await settle(signal);
    counters.add('uplink', `sent:${kind}`, { by: lines.length });
    if (encoded) counters.add('uplink', 'bytes', { by: encoded.body.length });
  };

  /** Offsets of a topic that was made anew say nothing of those sent before: by the old ones they would be passed over. */
  const restart = async (place: string, next: number): Promise<void> => {
    const { outstanding, ...rest } = state;
    const positions = { ...state.positions, [place]: next };
    if (!outstanding) return save({ ...rest, positions });
    // What is on its way is sent and counted, but moves no position of the new topic.
    const { [place]: _, ...others } = outstanding.positions;
    return save({ ...rest, positions, outstanding: { ...outstanding, positions: others } });
  };

  /** Closes the open ledger into an entry and produces it; the entry's id makes a second time harmless. */
  const publish = async (): Promise<void> => {
    if (!state.publishing && state.ledger) {
      const { ledger, ...rest } = state;
      await save({
        ...rest,
        publishing: closeLedger({ ledger, positions: state.positions, site, destination, now: clock.now() }),
      });
    }
    if (!state.publishing) return;
    const value = Buffer.from(JSON.stringify(state.publishing));
    await bus.produce(TOPICS.residency, [{ key: site.id, value, headers: {} }]);
    await reached('published');
    const { publishing: _, ...rest } = state;
    await save(rest);
  };

  const keepLedger = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await clock.sleep(options.ledger_ms ?? 5_000, stopping.signal);
        await turns.take(-1, publish);
      } catch (error) {
        if (stopping.signal.aborted) return;
        logger.error({ err: error }, 'residency ledger cannot be published yet');
      }
    }
  };

  if (state.chain !== options.chain.id) {
    // What is outstanding was signed to follow another batch: its records are read from the bus again.
    const { outstanding: _, ...rest } = state;
    const { id, sequence, hash } = options.chain;
    await save({ ...rest, chain: id, sequence, hash });
  }
  await countExpired({ bus, state, counters, logger });
  const consumers: Consumer[] = UPLINK_TOPICS.map(({ topic, rank }) =>
    bus.consume({
      group: UPLINK_GROUP,
      topics: [topic],
      max_records: options.bounds?.max_records ?? 1_000,
      max_bytes: options.bounds?.max_bytes ?? 1024 * 1024,
      position: (name, partition) => state.positions[`${name}/${partition}`],
      onReset: (name, partition, next) => turns.take(-1, () => restart(`${name}/${partition}`, next)),
      handle: (batch, signal) =>
        turns.take(rank, () => take(batch, AbortSignal.any([signal, stopping.signal]))),
      onError: (error) => {
        if (!stopping.signal.aborted) logger.warn({ err: error }, 'a batch waits to be sent');
      },
    }),
  );
  const ledgerLoop = keepLedger();

  return {
    spool: async () => ({
      records: Object.values(await bus.lag(UPLINK_GROUP)).reduce((sum, count) => sum + count, 0),
    }),
    stop: async () => {
      stopping.abort();
      await Promise.all(consumers.map((consumer) => consumer.stop()));
      await ledgerLoop;
    },
  };
}

/** What the bus let go by its retention before it was sent is a gap, and is said. */
async function countExpired(options: {
  bus: Bus;
  state: UplinkState;
  counters: Counters;
  logger: Logger;
}): Promise<void> {
  const { bus, state, counters, logger } = options;
  for (const { topic } of UPLINK_TOPICS) {
    for (const [partition, { first }] of (await bus.bounds(topic)).entries()) {
      const lost = first - (state.positions[`${topic.name}/${partition}`] ?? 0);
      if (lost <= 0) continue;
      counters.add('uplink', 'expired-before-sent', { by: lost });
      logger.error({ topic: topic.name, partition, lost }, 'records expired before they could be sent');
    }
  }
}

function addToLedger(options: {
  state: UplinkState;
  decisions: DecisionCounts;
  now: number;
  policy: CompiledResidencyPolicy;
}): UplinkState['ledger'] {
  const { state, decisions, policy } = options;
  if (decisions.counts.length === 0) return state.ledger;
  const open = state.ledger ?? {
    counts: [],
    fields: [],
    from: new Date(options.now).toISOString(),
    positions: state.positions,
    policy_version: policy.version,
  };
  return { ...open, ...sumDecisions([open, decisions]) };
}

function closeLedger(options: {
  ledger: NonNullable<UplinkState['ledger']>;
  positions: UplinkState['positions'];
  site: UplinkOptions['site'];
  destination: string;
  now: number;
}): ResidencyLedgerEntry {
  const { ledger, positions, site, destination } = options;
  return {
    schema: SCHEMA_VERSION,
    id: contentHash({ tenant: site.tenant, site: site.id, first: ledger.positions, last: positions }),
    tenant: site.tenant,
    site: site.id,
    jurisdiction: site.jurisdiction,
    destination,
    from: ledger.from,
    to: new Date(options.now).toISOString(),
    policy_version: ledger.policy_version,
    counts: ledger.counts,
    fields: ledger.fields,
  };
}

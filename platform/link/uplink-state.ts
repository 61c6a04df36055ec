// Where a site's uplink stands, in one record: the outstanding batch is stored before it is sent, so that a crash sends the same again.
import { z } from 'zod';
import { PicketError } from '../core/errors.ts';
import { ResidencyLedgerEntry } from '../core/residency-ledger.ts';
import { SCHEMA_VERSION, SchemaVersion } from '../core/schema-version.ts';
import { type RecordStore, upsertRecord } from '../records/record-store.ts';
import { DecisionCounts } from '../residency/count-decisions.ts';
import { FIRST_PREVIOUS } from './protocol.ts';

const Positions = z.record(z.string(), z.number().int());

/** What was taken from the bus and not yet settled: sent when a batch is in it, then counted and passed. */
const Outstanding = z.object({
  batch: z.object({ sequence: z.number().int(), hash: z.string(), body: z.base64() }).optional(),
  positions: Positions,
  decisions: DecisionCounts,
});

export const UplinkState = z.object({
  schema: SchemaVersion,
  /** Which enrolment the chain follows; see Enrolment.chain. */
  chain: z.string().optional(),
  /** The last batch that was acknowledged. */
  sequence: z.number().int(),
  hash: z.string(),
  /** Next offset by `topic/partition`: everything below was settled. */
  positions: Positions,
  outstanding: Outstanding.optional(),
  /** Decisions counted and not yet published. */
  ledger: DecisionCounts.extend({
    from: z.iso.datetime(),
    positions: Positions,
    policy_version: z.string(),
  }).optional(),
  /** Closed and perhaps published: published again after a crash, under the same id. */
  publishing: ResidencyLedgerEntry.optional(),
});
export type UplinkState = z.infer<typeof UplinkState>;

const RECORD = { collection: 'settings', id: 'uplink' } as const;

/** @throws PicketError UPLINK_STATE_DAMAGED */
export async function loadUplinkState(records: RecordStore): Promise<UplinkState> {
  const stored = await records.get(RECORD.collection, RECORD.id);
  if (!stored) return { schema: SCHEMA_VERSION, sequence: 0, hash: FIRST_PREVIOUS, positions: {} };
  const parsed = UplinkState.safeParse(stored.value);
  if (parsed.success) return parsed.data;
  throw new PicketError({
    code: 'UPLINK_STATE_DAMAGED',
    message: `record settings/uplink: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`,
  });
}

/** Durable when resolved. One uplink owns the record. */
export async function saveUplinkState(records: RecordStore, state: UplinkState): Promise<void> {
  await upsertRecord({ store: records, ...RECORD, change: () => state });
}

/**
 * The state for a bus that holds what was left of the old one: places in the old bus mean nothing there. What is
 * outstanding is sent as it is. `moved` (ms since the epoch) stands among the places, so that a ledger entry that is
 * closed there cannot have the id of one that was closed before.
 */
export function startOnNewBus(state: UplinkState, moved: number): UplinkState {
  const positions = { 'bus-moved': moved };
  const { outstanding, ledger } = state;
  return {
    ...state,
    positions,
    ...(outstanding ? { outstanding: { ...outstanding, positions: {} } } : {}),
    ...(ledger ? { ledger: { ...ledger, positions } } : {}),
  };
}

/** Where the uplink goes on in the bus: past what is outstanding, which it holds itself. */
export function uplinkPosition(state: UplinkState, topic: string, partition: number): number | undefined {
  const place = `${topic}/${partition}`;
  return state.outstanding?.positions[place] ?? state.positions[place];
}

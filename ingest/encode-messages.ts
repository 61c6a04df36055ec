// The bus messages of ingest: an event with its routing headers, and a dead letter that can be replayed purely.
import type { BusMessage, DeadLetterReason } from '../platform/bus/bus.ts';
import { PicketError } from '../platform/core/errors.ts';
import type { PicketEvent } from '../platform/core/event.ts';
import { type EventHeaders, TOPICS } from '../platform/core/topics.ts';
import type { SiteIdentity } from './site-identity.ts';
import type { RawRecord, RecordPosition } from './source.ts';

/** At most so much of a refused record is kept: the rest of a larger one is gone, which its header `truncated` says. */
export const MAX_DEAD_LETTER_BYTES = 1_048_576;

/** An event as the topic `picket.events` carries it; `detection_only` ones are for rules, not for the index. */
export function eventMessage(options: {
  event: PicketEvent;
  key: string;
  detection_only: boolean;
}): BusMessage {
  const { event, key } = options;
  const { picket } = event;
  const headers: EventHeaders = {
    id: event.event.id,
    dataset: event.event.dataset,
    jurisdiction: picket.jurisdiction,
    tenant: picket.tenant,
    class: picket.class,
    site: picket.site.id,
    source: picket.source.id,
    timestamp: event['@timestamp'],
    time: picket.time,
    ...(options.detection_only ? { detection_only: '1' } : {}),
  };
  return { key, value: Buffer.from(JSON.stringify(event)), headers: { ...headers } };
}

/** The dead letter of a record that gave at least one refusal; `count` is how many. */
export function deadLetterOf(options: {
  source: { readonly config: { readonly id: string; readonly format: string } };
  site: SiteIdentity;
  record: RawRecord;
  first: { readonly code: string; readonly message: string; readonly place?: string };
  count: number;
}): { message: BusMessage & { topic: string }; reason: DeadLetterReason } {
  const { source, site, record, first } = options;
  const tooLong = record.bytes.length > MAX_DEAD_LETTER_BYTES;
  const truncated = tooLong || record.cut === true;
  return {
    message: {
      topic: TOPICS.events.name,
      key: source.config.id,
      value: tooLong ? record.bytes.subarray(0, MAX_DEAD_LETTER_BYTES) : record.bytes,
      headers: {
        tenant: site.tenant,
        site: site.id,
        source: source.config.id,
        format: source.config.format,
        received: String(record.received),
        position: JSON.stringify(record.position),
        refusals: String(options.count),
        bytes: String(record.bytes.length),
        ...(record.peer === undefined ? {} : { peer: record.peer }),
        ...(record.shift_ms === undefined ? {} : { shift_ms: String(record.shift_ms) }),
        ...(truncated ? { truncated: '1' } : {}),
      },
    },
    reason: {
      stage: 'normalise',
      code: first.code,
      message: first.message,
      ...(first.place === undefined ? {} : { place: first.place }),
    },
  };
}

/** The raw record of a dead letter, as it was first received. @throws PicketError DEAD_LETTER_NOT_REPLAYABLE */
export function decodeDeadLetter(message: Pick<BusMessage, 'value' | 'headers'>): {
  sourceId: string;
  record: RawRecord;
} {
  const { source, received, peer, position, truncated, shift_ms } = message.headers;
  const place = parsePosition(position);
  if (truncated === '1' || source === undefined || !/^\d+$/.test(received ?? '') || !place) {
    throw new PicketError({
      code: 'DEAD_LETTER_NOT_REPLAYABLE',
      message:
        truncated === '1'
          ? 'only the first part of the record was kept'
          : 'the dead letter does not say where its record came from',
    });
  }
  return {
    sourceId: source,
    record: {
      bytes: message.value,
      received: Number(received),
      position: place,
      replayed: true,
      ...(peer === undefined ? {} : { peer }),
      ...(shift_ms === undefined ? {} : { shift_ms: Number(shift_ms) }),
    },
  };
}

function parsePosition(text: string | undefined): RecordPosition | undefined {
  if (text === undefined) return undefined;
  let value: Partial<Record<string, unknown>>;
  try {
    value = JSON.parse(text) as Partial<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  const { kind, identity, offset, ordinal, id } = value;
  if (kind === 'file' && typeof identity === 'string' && typeof offset === 'number') {
    return { kind, identity, offset };
  }
  if (kind === 'request' && typeof ordinal === 'number') return { kind, ordinal };
  if (kind === 'assigned' && typeof id === 'string') return { kind, id };
  return undefined;
}

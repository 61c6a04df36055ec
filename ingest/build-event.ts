// Finishes an adapter's draft into a PicketEvent: identity, time judgement, raw record and `picket.*`.
import { isUtf8 } from 'node:buffer';
import { createHmac, hash } from 'node:crypto';
import {
  ECS_VERSION,
  type JsonObject,
  type PicketEvent,
  type TimeJudgement,
} from '../platform/core/event.ts';
import type { ResidencyClass } from '../platform/core/names.ts';
import { SCHEMA_VERSION } from '../platform/core/schema-version.ts';
import { shortId } from '../platform/core/short-id.ts';
import type { SiteIdentity } from './site-identity.ts';
import type { EventDraft, RawRecord } from './source.ts';

/** A time further ahead of receipt than this is in the future (SEMANTICS, Time). */
export const FUTURE_LIMIT_MS = 86_400_000;

/** The earliest time taken for one: 1970 itself is what broken clocks and zeroed fields say. */
const EARLIEST_MS = Date.UTC(1970, 0, 2);
const LATEST_MS = Date.UTC(9999, 11, 31);

/**
 * Pure: the same record, draft and source give the same event. `part` is the draft's place among the
 * record's events. The draft's fields become part of the result.
 */
export function buildEvent(options: {
  draft: EventDraft;
  part: number;
  record: RawRecord;
  source: { id: string; type: string };
  class: ResidencyClass;
  site: SiteIdentity;
}): PicketEvent {
  const { draft, record, source, site } = options;
  const { timestamp, time } = judgeTime(
    draft.timestamp === undefined ? undefined : draft.timestamp + (record.shift_ms ?? 0),
    record.received,
  );
  const event = draft.fields;
  const id = eventId({ site, sourceId: source.id, draft, part: options.part, record });
  event['@timestamp'] = new Date(timestamp).toISOString();
  event['ecs'] = { version: ECS_VERSION };
  const eventFields = objectAt(event, 'event');
  eventFields['id'] = id;
  eventFields['dataset'] = draft.dataset;
  eventFields['kind'] ??= 'event';
  eventFields['module'] ??= draft.dataset.split('.')[0];
  const original = draft.original === undefined ? decodeOriginal(record.bytes) : draft.original;
  if (typeof original === 'string') eventFields['original'] = original;
  else if (original !== null) eventFields['original'] = original.base64;
  event['picket'] = {
    schema: SCHEMA_VERSION,
    tenant: site.tenant,
    site: { id: site.id, tier: site.tier },
    jurisdiction: site.jurisdiction,
    class: options.class,
    source: { id: source.id, type: source.type, ...(record.peer === undefined ? {} : { peer: record.peer }) },
    time,
    received: new Date(record.received).toISOString(),
    ...(record.replayed ? { replayed: true } : {}),
    ...(record.shift_ms === undefined ? {} : { shift_ms: record.shift_ms }),
    ...(original !== null && typeof original !== 'string' ? { original_encoding: 'base64' } : {}),
  };
  return event as unknown as PicketEvent;
}

/** Judged once, at first receipt; what is not usable takes the receipt time and says so. */
export function judgeTime(
  timestamp: number | undefined,
  received: number,
): { timestamp: number; time: TimeJudgement } {
  if (timestamp === undefined || !(timestamp >= EARLIEST_MS && timestamp <= LATEST_MS)) {
    return { timestamp: received, time: 'missing' };
  }
  return { timestamp: Math.trunc(timestamp), time: timestamp > received + FUTURE_LIMIT_MS ? 'future' : 'ok' };
}

/** A shortId of HMAC-SHA-256 over the record's identity. */
function eventId(options: {
  site: SiteIdentity;
  sourceId: string;
  draft: EventDraft;
  part: number;
  record: RawRecord;
}): string {
  const { site, sourceId, draft, record } = options;
  const hmac = createHmac('sha256', site.eventKey);
  const part = draft.part ?? String(options.part);
  const { position } = record;
  const prefix = `${site.tenant}\n${site.id}\n${sourceId}\n`;
  if (draft.uniqueId !== undefined) hmac.update(`${prefix}own\n${draft.uniqueId}`);
  else if (position.kind === 'file')
    hmac.update(`${prefix}file\n${position.identity}\n${position.offset}\n${part}`);
  else if (position.kind === 'assigned') hmac.update(`${prefix}assigned\n${position.id}\n${part}`);
  else {
    const digest = hash('sha256', record.bytes, 'hex');
    hmac.update(`${prefix}raw\n${digest}\n${position.ordinal}\n${part}`);
  }
  // Played at another time it is another event: the first would stand in the index, the second make alerts.
  if (record.shift_ms) hmac.update(`\nshift\n${record.shift_ms}`);
  return shortId(hmac.digest());
}

/** The raw record as text, or base64 when it is not UTF-8. */
function decodeOriginal(bytes: Uint8Array): string | { base64: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(bytes) ? buffer.toString('utf8') : { base64: buffer.toString('base64') };
}

/** The object under a name; made anew where there is none. */
function objectAt(object: JsonObject, name: string): JsonObject {
  const found = object[name];
  if (found !== null && typeof found === 'object' && !Array.isArray(found)) return found as JsonObject;
  const made: JsonObject = {};
  object[name] = made;
  return made;
}

// The trace id of an event, by which logs of every stage and process tell of the same record.
import { createHash } from 'node:crypto';

/**
 * 32 hex digits as W3C Trace Context has them (trace-id, 2.2.3.2): the 16 bytes that an event's id is the base64url of,
 * so that either is known from the other; of an id of another form the first 16 bytes of its SHA-256.
 */
export function traceIdOf(eventId: string): string {
  const bytes = Buffer.from(eventId, 'base64url');
  return bytes.length === 16
    ? bytes.toString('hex')
    : createHash('sha256').update(eventId).digest('hex').slice(0, 32);
}

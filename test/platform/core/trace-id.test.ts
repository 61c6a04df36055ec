// Trace ids and the ids of events tell the same.
import { expect, test } from 'vitest';
import { shortId } from '../../../platform/core/short-id.ts';
import { traceIdOf } from '../../../platform/core/trace-id.ts';

test('a trace id is the bytes of an event id in hex, and of any other id a hash', () => {
  const id = shortId(Buffer.from('00112233445566778899aabbccddeeff', 'hex'));
  expect(traceIdOf(id)).toBe('00112233445566778899aabbccddeeff');
  expect(traceIdOf('67cb6a4f-a2f9-4c56-8ccd-d493368b1c5e')).toMatch(/^[0-9a-f]{32}$/);
});

// CRC-32C against the test vectors of its RFC.
import { expect, test } from 'vitest';
import { crc32c } from '../../../../platform/bus/kafka/crc32c.ts';

test('gives what RFC 3720 (section B.4) and the usual check value say', () => {
  const counting = Uint8Array.from({ length: 32 }, (_, at) => at);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(counting)).toBe(0x46dd794e);
  expect(crc32c(counting.toReversed())).toBe(0x113fdb5c);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array())).toBe(0);
});

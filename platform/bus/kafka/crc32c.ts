// CRC-32C (Castagnoli, RFC 3720 section B.4), which Kafka's record batches carry; Node's zlib has only the other polynomial.

/** Reversed polynomial. */
const POLYNOMIAL = 0x82f63b78;
/** Eight tables: eight bytes are taken at a time ("slicing by 8", Kounavis and Berry 2005). */
const TABLES = makeTables();

/** The checksum as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  const { length } = bytes;
  let crc = -1;
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    const low =
      crc ^ (b(bytes, at) | (b(bytes, at + 1) << 8) | (b(bytes, at + 2) << 16) | (b(bytes, at + 3) << 24));
    crc =
      i(t7, low & 0xff) ^
      i(t6, (low >>> 8) & 0xff) ^
      i(t5, (low >>> 16) & 0xff) ^
      i(t4, low >>> 24) ^
      i(t3, b(bytes, at + 4)) ^
      i(t2, b(bytes, at + 5)) ^
      i(t1, b(bytes, at + 6)) ^
      i(t0, b(bytes, at + 7));
  }
  for (; at < length; at++) crc = (crc >>> 8) ^ i(t0, (crc ^ b(bytes, at)) & 0xff);
  return ~crc >>> 0;
}

function b(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function i(table: Int32Array, at: number): number {
  return table[at] as number;
}

type Eight<T> = [T, T, T, T, T, T, T, T];

function makeTables(): Eight<Int32Array> {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256)) as Eight<Int32Array>;
  const [first] = tables;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    first[byte] = crc;
  }
  for (let table = 1; table < 8; table++)
    for (let byte = 0; byte < 256; byte++) {
      const before = i(tables[table - 1] as Int32Array, byte);
      (tables[table] as Int32Array)[byte] = (before >>> 8) ^ i(first, before & 0xff);
    }
  return tables;
}

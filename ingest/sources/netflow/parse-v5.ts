// NetFlow version 5 datagrams: a fixed header of 24 bytes and up to 30 flows of 48 (Cisco's export format).
import type { FlowValues } from './information-elements.ts';

const HEADER = 24;
const RECORD = 48;

/** Places of a v5 record as information elements: id, offset, bytes. */
const PLACES = [
  [10, 12, 2],
  [14, 14, 2],
  [2, 16, 4],
  [1, 20, 4],
  [22, 24, 4],
  [21, 28, 4],
  [7, 32, 2],
  [11, 34, 2],
  [6, 37, 1],
  [4, 38, 1],
  [5, 39, 1],
  [16, 40, 2],
  [17, 42, 2],
  [9, 44, 1],
  [13, 45, 1],
] as const;

export interface V5Datagram {
  readonly uptime_ms: number;
  /** ms since the epoch. */
  readonly exported: number;
  readonly sequence: number;
  /** Engine type × 256 + engine id. */
  readonly domain: number;
  /** 1 in N; undefined when not sampled. */
  readonly rate: number | undefined;
  /** How many flows the header announces. */
  readonly count: number;
  readonly flows: readonly { readonly values: FlowValues; readonly at: number }[];
}

/** Undefined when the header is cut; fewer flows than announced when the datagram is. */
export function parseV5(bytes: Buffer): V5Datagram | undefined {
  if (bytes.length < HEADER) return undefined;
  const count = bytes.readUInt16BE(2);
  const sampling = bytes.readUInt16BE(22);
  const interval = sampling & 0x3fff;
  const flows: { values: FlowValues; at: number }[] = [];
  for (let index = 0; index < count; index++) {
    const at = HEADER + index * RECORD;
    if (at + RECORD > bytes.length) break;
    const forward = new Map<number, number | string>([
      [8, readAddress(bytes, at)],
      [12, readAddress(bytes, at + 4)],
    ]);
    for (const [id, offset, length] of PLACES) forward.set(id, bytes.readUIntBE(at + offset, length));
    const nextHop = readAddress(bytes, at + 8);
    if (nextHop !== '0.0.0.0') forward.set(15, nextHop);
    flows.push({ values: { forward, reverse: new Map() }, at });
  }
  return {
    uptime_ms: bytes.readUInt32BE(4),
    exported: bytes.readUInt32BE(8) * 1000 + bytes.readUInt32BE(12) / 1e6,
    sequence: bytes.readUInt32BE(16),
    domain: bytes.readUInt16BE(20),
    rate: interval > 1 ? interval : undefined,
    count,
    flows,
  };
}

function readAddress(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

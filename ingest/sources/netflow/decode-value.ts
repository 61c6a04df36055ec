// Decodes one field of a data record (RFC 7011 section 6; reduced-size encoding, section 6.2).
import { canonicalAddress } from '../../../platform/core/network.ts';
import type { ElementType } from './information-elements.ts';

/** Seconds from the NTP epoch (1900) to the Unix epoch. */
const NTP_TO_UNIX_S = 2_208_988_800;

/**
 * The value: counts as numbers (above 2^53 rounded), times as ms since the epoch (with fractions), addresses
 * as canonical text. Undefined for a length that the type cannot have. The bounds are the caller's.
 */
export function decodeValue(options: {
  bytes: Buffer;
  at: number;
  length: number;
  type: ElementType;
}): number | string | undefined {
  const { bytes, at, length, type } = options;
  switch (type) {
    case 'unsigned':
      return readUnsigned(bytes, at, length);
    case 'float':
      return length === 8 ? bytes.readDoubleBE(at) : length === 4 ? bytes.readFloatBE(at) : undefined;
    case 'ipv4':
      return length === 4 ? `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}` : undefined;
    case 'ipv6':
      return length === 16 ? readIpv6(bytes, at) : undefined;
    case 'mac':
      // ECS writes MAC addresses as RFC 7042 does: upper case, hyphens.
      return length === 6
        ? (
            bytes
              .toString('hex', at, at + 6)
              .toUpperCase()
              .match(/../g) ?? []
          ).join('-')
        : undefined;
    case 'text':
      return bytes.toString('utf8', at, at + length).replace(/\0+$/, '');
    case 'seconds':
      return multiply(readUnsigned(bytes, at, length), 1000);
    case 'milliseconds':
      return readUnsigned(bytes, at, length);
    case 'ntp': {
      if (length !== 8) return undefined;
      const seconds = bytes.readUInt32BE(at);
      return seconds === 0
        ? undefined
        : (seconds - NTP_TO_UNIX_S) * 1000 + (bytes.readUInt32BE(at + 4) / 2 ** 32) * 1000;
    }
  }
}

function multiply(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value * by;
}

function readUnsigned(bytes: Buffer, at: number, length: number): number | undefined {
  if (length === 0 || length > 8) return undefined;
  if (length <= 6) return bytes.readUIntBE(at, length);
  return bytes.readUIntBE(at, length - 4) * 2 ** 32 + bytes.readUInt32BE(at + length - 4);
}

function readIpv6(bytes: Buffer, at: number): string | undefined {
  const groups: string[] = [];
  for (let group = 0; group < 16; group += 2) groups.push(bytes.readUInt16BE(at + group).toString(16));
  return canonicalAddress(groups.join(':'));
}

// Community ID v1 (corelight/community-id-spec): one id for a connection, whichever tool saw it.
import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';

/** ICMP types that are asked and answered: a type's counterpart, as the specification lists them. */
const ICMP_V4: ReadonlyMap<number, number> = new Map([
  [0, 8],
  [8, 0],
  [9, 10],
  [10, 9],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
]);
const ICMP_V6: ReadonlyMap<number, number> = new Map([
  [128, 129],
  [129, 128],
  [130, 131],
  [131, 130],
  [133, 134],
  [134, 133],
  [135, 136],
  [136, 135],
  [139, 140],
  [140, 139],
  [144, 145],
  [145, 144],
]);

/** `1:<base64 SHA-1>` with seed 0, or undefined when the addresses are of different families or missing. */
export function communityId(options: {
  source: string;
  destination: string;
  protocol: number;
  source_port?: number | undefined;
  destination_port?: number | undefined;
  icmp?: { readonly type: number; readonly code: number } | undefined;
}): string | undefined {
  const { protocol, icmp } = options;
  if (!ipaddr.isValid(options.source) || !ipaddr.isValid(options.destination)) return undefined;
  let source = Buffer.from(ipaddr.parse(options.source).toByteArray());
  let destination = Buffer.from(ipaddr.parse(options.destination).toByteArray());
  if (source.length !== destination.length) return undefined;
  let ports: [number, number] | undefined;
  let oneWay = false;
  if (protocol === 1 || protocol === 58) {
    if (!icmp) return undefined;
    const answer = (protocol === 1 ? ICMP_V4 : ICMP_V6).get(icmp.type);
    oneWay = answer === undefined;
    ports = [icmp.type, answer ?? icmp.code];
  } else if (protocol === 6 || protocol === 17 || protocol === 132) {
    if (options.source_port === undefined || options.destination_port === undefined) return undefined;
    ports = [options.source_port, options.destination_port];
  }
  const order = Buffer.compare(source, destination);
  if (!oneWay && (order > 0 || (order === 0 && ports !== undefined && ports[0] > ports[1]))) {
    [source, destination] = [destination, source];
    if (ports) ports = [ports[1], ports[0]];
  }
  const tail = Buffer.alloc(ports ? 6 : 2);
  tail[0] = protocol;
  if (ports) {
    tail.writeUInt16BE(ports[0], 2);
    tail.writeUInt16BE(ports[1], 4);
  }
  const hash = createHash('sha1').update(Buffer.alloc(2)).update(source).update(destination).update(tail);
  return `1:${hash.digest('base64')}`;
}

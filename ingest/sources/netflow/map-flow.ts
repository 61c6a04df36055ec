// Maps one flow to ECS: both ends, counts scaled by sampling, times, Community ID, and netflow.* for the rest.
import type { JsonObject } from '../../../platform/core/event.ts';
import { communityId } from './community-id.ts';
import { type ExportTime, readFlowTime } from './flow-time.ts';
import { type FlowValues, numberAt, textAt } from './information-elements.ts';

/** ECS network.transport names of IANA protocol numbers that flows have. */
const TRANSPORTS: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [2, 'igmp'],
  [4, 'ipip'],
  [6, 'tcp'],
  [17, 'udp'],
  [41, 'ipv6'],
  [46, 'rsvp'],
  [47, 'gre'],
  [50, 'esp'],
  [51, 'ah'],
  [58, 'ipv6-icmp'],
  [89, 'ospf'],
  [103, 'pim'],
  [112, 'vrrp'],
  [115, 'l2tp'],
  [132, 'sctp'],
  [136, 'udplite'],
]);

/** firewallEvent (element 233) as ECS event.type. */
const FIREWALL_EVENTS: ReadonlyMap<number, string> = new Map([
  [1, 'start'],
  [2, 'end'],
  [3, 'denied'],
]);

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

export interface FlowOrigin extends ExportTime {
  readonly version: number;
  /** Engine (v5), source id (v9) or observation domain (IPFIX). */
  readonly domain: number;
  readonly peer: string | undefined;
}

/** `rate`: 1 in N; counts are multiplied by it and the raw ones kept in netflow.sampling. */
export function mapFlow(options: { values: FlowValues; origin: FlowOrigin; rate: number }): {
  timestamp: number;
  fields: JsonObject;
  timeUnusable: boolean;
} {
  const { values, origin, rate } = options;
  const { forward, reverse } = values;
  const number = (...ids: number[]): number | undefined => firstOf(ids, (id) => numberAt(forward, id));
  const text = (...ids: number[]): string | undefined => firstOf(ids, (id) => textAt(forward, id));
  const scale = (count: number | undefined): number | undefined =>
    count === undefined ? undefined : Math.round(count * rate);

  const protocol = number(4);
  const sourceAddress = text(8, 27);
  const destinationAddress = text(12, 28);
  const icmp = readIcmp(protocol, number);
  const isIcmp = protocol === 1 || protocol === 58;
  const sourcePort = isIcmp ? undefined : number(7, 180, 182);
  const destinationPort = isIcmp ? undefined : number(11, 181, 183);
  const raw = {
    bytes: number(1, 231, 85, 23),
    packets: number(2, 298, 86, 24),
    reverseBytes: number(232) ?? numberAt(reverse, 1) ?? numberAt(reverse, 85),
    reversePackets: number(299) ?? numberAt(reverse, 2) ?? numberAt(reverse, 86),
  };
  const sourceBytes = scale(raw.bytes);
  const sourcePackets = scale(raw.packets);
  const destinationBytes = scale(raw.reverseBytes);
  const destinationPackets = scale(raw.reversePackets);
  const { start, end, unusable } = readFlowTime(forward, origin);
  const direction = number(61);
  const flags = number(6);
  const firewall = number(233);
  const vlan = number(58, 59);
  const addresses = [...new Set([sourceAddress, destinationAddress])].filter((ip) => ip !== undefined);
  const natSource = compact({ ip: text(225, 281), port: positive(number(227)) });
  const natDestination = compact({ ip: text(226, 282), port: positive(number(228)) });

  const fields = compact({
    event: compact({
      category: ['network'],
      type: ['connection', ...(firewall === undefined ? [] : [FIREWALL_EVENTS.get(firewall)])].filter(
        (type) => type !== undefined,
      ),
      action: 'netflow_flow',
      start: isoOf(start),
      end: isoOf(end),
      // ECS: nanoseconds.
      duration: start === undefined || end === undefined ? undefined : Math.round((end - start) * 1e6),
    }),
    source: compact({
      ip: sourceAddress,
      port: sourcePort,
      bytes: sourceBytes,
      packets: sourcePackets,
      mac: usableMac(text(56, 81)),
      as: asNumber(number(16)),
      nat: natSource,
    }),
    destination: compact({
      ip: destinationAddress,
      port: destinationPort,
      bytes: destinationBytes,
      packets: destinationPackets,
      mac: usableMac(text(80, 57)),
      as: asNumber(number(17)),
      nat: natDestination,
    }),
    network: compact({
      transport: protocol === undefined ? undefined : TRANSPORTS.get(protocol),
      iana_number: protocol === undefined ? undefined : String(protocol),
      type: sourceAddress === undefined ? undefined : sourceAddress.includes(':') ? 'ipv6' : 'ipv4',
      bytes: sum(sourceBytes, destinationBytes),
      packets: sum(sourcePackets, destinationPackets),
      direction: direction === 0 ? 'ingress' : direction === 1 ? 'egress' : undefined,
      vlan: vlan ? { id: String(vlan) } : undefined,
      application: text(96)?.toLowerCase(),
      community_id:
        sourceAddress === undefined || destinationAddress === undefined || protocol === undefined
          ? undefined
          : communityId({
              source: sourceAddress,
              destination: destinationAddress,
              protocol,
              source_port: sourcePort,
              destination_port: destinationPort,
              icmp,
            }),
    }),
    observer: compact({
      ip: origin.peer === undefined ? undefined : [origin.peer],
      type: 'flow-exporter',
      ingress: interfaceOf(number(10)),
      egress: interfaceOf(number(14)),
    }),
    related: addresses.length === 0 ? undefined : { ip: addresses },
    netflow: compact({
      version: origin.version,
      exporter: compact({
        address: origin.peer,
        domain: origin.domain,
        uptime_ms: origin.uptime_ms,
        timestamp: isoOf(origin.exported),
      }),
      tcp_flags: flags,
      tcp_flag_names:
        flags && protocol === 6 ? TCP_FLAGS.filter((_name, bit) => (flags >> bit) & 1) : undefined,
      type_of_service: number(5),
      icmp,
      next_hop: text(15, 62, 18),
      source_prefix_length: number(9, 29),
      destination_prefix_length: number(13, 30),
      end_reason: number(136),
      firewall_event: firewall,
      flow_id: number(148),
      sampling:
        rate === 1
          ? undefined
          : compact({
              rate,
              bytes: raw.bytes,
              packets: raw.packets,
              reverse_bytes: raw.reverseBytes,
              reverse_packets: raw.reversePackets,
            }),
    }),
  }) as JsonObject;
  return { timestamp: end ?? start ?? origin.exported, fields, timeUnusable: unusable };
}

/** Type and code, from their own elements or, as older exporters do, from the destination port. */
function readIcmp(
  protocol: number | undefined,
  number: (...ids: number[]) => number | undefined,
): { type: number; code: number } | undefined {
  if (protocol !== 1 && protocol !== 58) return undefined;
  const type = number(...(protocol === 1 ? [176] : [178]));
  if (type !== undefined) return { type, code: number(...(protocol === 1 ? [177] : [179])) ?? 0 };
  const both = number(...(protocol === 1 ? [32, 11] : [139, 11]));
  return both === undefined ? undefined : { type: (both >> 8) & 0xff, code: both & 0xff };
}

function firstOf<T>(ids: readonly number[], read: (id: number) => T | undefined): T | undefined {
  for (const id of ids) {
    const value = read(id);
    if (value !== undefined) return value;
  }
  return undefined;
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : a + (b ?? 0);
}

function positive(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}

function usableMac(mac: string | undefined): string | undefined {
  return mac === '00-00-00-00-00-00' ? undefined : mac;
}

function asNumber(value: number | undefined): JsonObject | undefined {
  return value ? { number: value } : undefined;
}

function interfaceOf(index: number | undefined): JsonObject | undefined {
  return index ? { interface: { id: String(index) } } : undefined;
}

/** ISO 8601 with milliseconds; undefined for what no date is. */
function isoOf(time: number | undefined): string | undefined {
  if (time === undefined || !(Math.abs(time) <= 8.64e15)) return undefined;
  return new Date(time).toISOString();
}

/** Without undefined members; undefined when none is left. */
function compact(members: JsonObject): JsonObject | undefined {
  const kept: JsonObject = {};
  let any = false;
  for (const key in members) {
    if (members[key] === undefined) continue;
    kept[key] = members[key];
    any = true;
  }
  return any ? kept : undefined;
}

// The information elements that are read (IANA "IP Flow Information Export (IPFIX) Entities"; 1 to 127 as NetFlow v9, RFC 3954 section 8).

export type ElementType =
  | 'unsigned'
  | 'float'
  | 'ipv4'
  | 'ipv6'
  | 'mac'
  | 'text'
  | 'seconds'
  | 'milliseconds'
  /** NTP timestamp of 64 bits (RFC 7011 sections 6.1.9 and 6.1.10). */
  | 'ntp';

/** Element id → IANA name and how its value is read. What is not listed is passed over. */
export const ELEMENTS: ReadonlyMap<number, { readonly name: string; readonly type: ElementType }> = new Map(
  (
    [
      [1, 'octetDeltaCount', 'unsigned'],
      [2, 'packetDeltaCount', 'unsigned'],
      [4, 'protocolIdentifier', 'unsigned'],
      [5, 'ipClassOfService', 'unsigned'],
      [6, 'tcpControlBits', 'unsigned'],
      [7, 'sourceTransportPort', 'unsigned'],
      [8, 'sourceIPv4Address', 'ipv4'],
      [9, 'sourceIPv4PrefixLength', 'unsigned'],
      [10, 'ingressInterface', 'unsigned'],
      [11, 'destinationTransportPort', 'unsigned'],
      [12, 'destinationIPv4Address', 'ipv4'],
      [13, 'destinationIPv4PrefixLength', 'unsigned'],
      [14, 'egressInterface', 'unsigned'],
      [15, 'ipNextHopIPv4Address', 'ipv4'],
      [16, 'bgpSourceAsNumber', 'unsigned'],
      [17, 'bgpDestinationAsNumber', 'unsigned'],
      [18, 'bgpNextHopIPv4Address', 'ipv4'],
      [21, 'flowEndSysUpTime', 'unsigned'],
      [22, 'flowStartSysUpTime', 'unsigned'],
      [23, 'postOctetDeltaCount', 'unsigned'],
      [24, 'postPacketDeltaCount', 'unsigned'],
      [27, 'sourceIPv6Address', 'ipv6'],
      [28, 'destinationIPv6Address', 'ipv6'],
      [29, 'sourceIPv6PrefixLength', 'unsigned'],
      [30, 'destinationIPv6PrefixLength', 'unsigned'],
      [32, 'icmpTypeCodeIPv4', 'unsigned'],
      [34, 'samplingInterval', 'unsigned'],
      [35, 'samplingAlgorithm', 'unsigned'],
      [48, 'samplerId', 'unsigned'],
      [49, 'samplerMode', 'unsigned'],
      [50, 'samplerRandomInterval', 'unsigned'],
      [56, 'sourceMacAddress', 'mac'],
      [57, 'postDestinationMacAddress', 'mac'],
      [58, 'vlanId', 'unsigned'],
      [59, 'postVlanId', 'unsigned'],
      [60, 'ipVersion', 'unsigned'],
      [61, 'flowDirection', 'unsigned'],
      [62, 'ipNextHopIPv6Address', 'ipv6'],
      [80, 'destinationMacAddress', 'mac'],
      [81, 'postSourceMacAddress', 'mac'],
      [82, 'interfaceName', 'text'],
      [85, 'octetTotalCount', 'unsigned'],
      [86, 'packetTotalCount', 'unsigned'],
      [95, 'applicationId', 'unsigned'],
      [96, 'applicationName', 'text'],
      [136, 'flowEndReason', 'unsigned'],
      [139, 'icmpTypeCodeIPv6', 'unsigned'],
      [144, 'exportingProcessId', 'unsigned'],
      [148, 'flowId', 'unsigned'],
      [149, 'observationDomainId', 'unsigned'],
      [150, 'flowStartSeconds', 'seconds'],
      [151, 'flowEndSeconds', 'seconds'],
      [152, 'flowStartMilliseconds', 'milliseconds'],
      [153, 'flowEndMilliseconds', 'milliseconds'],
      [154, 'flowStartMicroseconds', 'ntp'],
      [155, 'flowEndMicroseconds', 'ntp'],
      [156, 'flowStartNanoseconds', 'ntp'],
      [157, 'flowEndNanoseconds', 'ntp'],
      [158, 'flowStartDeltaMicroseconds', 'unsigned'],
      [159, 'flowEndDeltaMicroseconds', 'unsigned'],
      [160, 'systemInitTimeMilliseconds', 'milliseconds'],
      [161, 'flowDurationMilliseconds', 'unsigned'],
      [176, 'icmpTypeIPv4', 'unsigned'],
      [177, 'icmpCodeIPv4', 'unsigned'],
      [178, 'icmpTypeIPv6', 'unsigned'],
      [179, 'icmpCodeIPv6', 'unsigned'],
      [180, 'udpSourcePort', 'unsigned'],
      [181, 'udpDestinationPort', 'unsigned'],
      [182, 'tcpSourcePort', 'unsigned'],
      [183, 'tcpDestinationPort', 'unsigned'],
      [225, 'postNATSourceIPv4Address', 'ipv4'],
      [226, 'postNATDestinationIPv4Address', 'ipv4'],
      [227, 'postNAPTSourceTransportPort', 'unsigned'],
      [228, 'postNAPTDestinationTransportPort', 'unsigned'],
      [231, 'initiatorOctets', 'unsigned'],
      [232, 'responderOctets', 'unsigned'],
      [233, 'firewallEvent', 'unsigned'],
      [258, 'collectionTimeMilliseconds', 'milliseconds'],
      [281, 'postNATSourceIPv6Address', 'ipv6'],
      [282, 'postNATDestinationIPv6Address', 'ipv6'],
      [298, 'initiatorPackets', 'unsigned'],
      [299, 'responderPackets', 'unsigned'],
      [302, 'selectorId', 'unsigned'],
      [305, 'samplingPacketInterval', 'unsigned'],
      [306, 'samplingPacketSpace', 'unsigned'],
      [309, 'samplingSize', 'unsigned'],
      [310, 'samplingPopulation', 'unsigned'],
      [311, 'samplingProbability', 'float'],
      [322, 'observationTimeSeconds', 'seconds'],
      [323, 'observationTimeMilliseconds', 'milliseconds'],
    ] as const
  ).map(([id, name, type]) => [id, { name, type }]),
);

/** The enterprise number under which the reverse direction of a biflow is sent (RFC 5103 section 6.1). */
export const REVERSE_ENTERPRISE = 29_305;

/** What one record says: IANA elements by id; the reverse direction's beside them. */
export interface FlowValues {
  readonly forward: Map<number, number | string>;
  readonly reverse: Map<number, number | string>;
}

/** The number at an element, if one was sent. */
export function numberAt(values: ReadonlyMap<number, number | string>, id: number): number | undefined {
  const value = values.get(id);
  return typeof value === 'number' ? value : undefined;
}

/** The text (address, MAC, name) at an element, if one was sent. */
export function textAt(values: ReadonlyMap<number, number | string>, id: number): string | undefined {
  const value = values.get(id);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

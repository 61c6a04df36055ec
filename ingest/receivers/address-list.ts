// Who may send: a list of addresses and networks, compiled once and remembered per sender.

import { PicketError } from '../../platform/core/errors.ts';
import { canonicalAddress, parseNetwork } from '../../platform/core/network.ts';

const REMEMBERED = 4_096;

/**
 * A test for senders; without a list everyone may send. Addresses as sockets give them (IPv4-mapped IPv6,
 * zone ids). @throws PicketError RECEIVER_ADDRESS for an entry that is no network
 */
export function createAddressList(entries: readonly string[] | undefined): (address: string) => boolean {
  if (!entries) return () => true;
  const networks = entries.map((entry) => {
    const network = parseNetwork(entry);
    if (!network) throw new PicketError({ code: 'RECEIVER_ADDRESS', message: `no network: \`${entry}\`` });
    return network;
  });
  const known = new Map<string, boolean>();
  return (address) => {
    let allowed = known.get(address);
    if (allowed === undefined) {
      allowed = networks.some((network) => network(address));
      if (known.size >= REMEMBERED) known.clear();
      known.set(address, allowed);
    }
    return allowed;
  };
}

/** The sender's address as events carry it. */
export function peerAddress(address: string | undefined): string | undefined {
  return address === undefined ? undefined : (canonicalAddress(address) ?? address);
}

// Denies all traffic to and from one address in the site's firewall for the length of its lease.
import { canonicalAddress, isPublicAddress, parseNetwork } from '../../../platform/core/network.ts';
import type { ActionAdapter } from '../action.ts';
import { FirewallDenyAddressParameters } from './schema.ts';

export const firewallDenyAddress: ActionAdapter = {
  id: 'firewall-deny-address',
  title: 'Deny an address in the firewall',
  description:
    'Drops packets to and from one public address at the site, in a table of its own (inet picket) that leaves all other rules alone. The kernel ends it when the lease ends, also with Picket stopped.',
  permissions: ['CAP_NET_ADMIN for the nft executor; write access to one file for the file executor'],
  reversible: true,
  longest_lease_ms: 7 * 86_400_000,
  parameters: FirewallDenyAddressParameters,
  example: `type: x-picket-posture
command: firewall-deny-address
parameters: { address: "__address__:value" }
lease_ms: 3600000`,
  refuse(parameters, guard) {
    const { address } = FirewallDenyAddressParameters.parse(parameters);
    const protector = guard.protectedNetworks.find((network) => parseNetwork(network)?.(address));
    if (protector !== undefined) return `${address} is protected at this site by ${protector}`;
    // A private address is a machine of the site: cutting it off is isolation, an action with its own guards.
    if (!isPublicAddress(address)) return `${address} is not a public address`;
    return undefined;
  },
  toFirewall(parameters) {
    const { address } = FirewallDenyAddressParameters.parse(parameters);
    return { denyAddresses: [canonicalAddress(address) ?? address] };
  },
};

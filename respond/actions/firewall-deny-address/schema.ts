// Parameters of firewall-deny-address.
import { z } from 'zod';
import { canonicalAddress } from '../../../platform/core/network.ts';

/** `address`: one IPv4 or IPv6 address in its written form, without prefix or zone. */
export const FirewallDenyAddressParameters = z.strictObject({
  address: z
    .string()
    .max(45)
    .refine((text) => canonicalAddress(text) !== undefined && !text.includes('%'), {
      message: 'must be one IPv4 or IPv6 address, without prefix or zone',
    }),
});
export type FirewallDenyAddressParameters = z.infer<typeof FirewallDenyAddressParameters>;

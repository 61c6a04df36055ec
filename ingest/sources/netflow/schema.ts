// The parameters of a NetFlow source.
import { z } from 'zod';

export const NetflowParameters = z.strictObject({
  /** 1 in N packets, for exporters that sample without saying so. What an exporter says goes first. */
  sampling_rate: z.number().int().min(1).max(1_000_000).default(1),
  /** False for exporters that multiply by the rate themselves. */
  scale_by_sampling: z.boolean().default(true),
});
export type NetflowParameters = z.infer<typeof NetflowParameters>;

// Falco's alert as its JSON output writes it (falco.org/docs/concepts/outputs/formatting, json_output), loose.
import { z } from 'zod';

const text = z.string().min(1).optional().catch(undefined);

export const FalcoAlert = z.looseObject({
  uuid: text,
  time: z.union([z.string(), z.number()]).optional().catch(undefined),
  rule: text,
  priority: text,
  source: text,
  output: text,
  output_fields: z.looseObject({}).optional().catch(undefined),
  tags: z.array(z.string()).optional().catch(undefined),
  hostname: text,
});
export type FalcoAlert = z.infer<typeof FalcoAlert>;

export const FalcoParameters = z.strictObject({
  /** Becomes `orchestrator.cluster.name`, the scope of pods. */
  cluster: z
    .string()
    .min(1)
    .optional()
    .describe('name of the cluster, `orchestrator.cluster.name`: the scope of its pods and service accounts'),
});
export type FalcoParameters = z.infer<typeof FalcoParameters>;

// The risk of a case as it is shown: parts with their value, weight and reason; and how much an asset matters.
import { z } from 'zod';

export const RiskPart = z.object({
  part: z.enum(['severity', 'criticality', 'weakness', 'progress', 'rarity']),
  /** 0 to 1. */
  value: z.number().min(0).max(1),
  /** What it counts, of 100 in all. */
  weight: z.number(),
  /** value × weight. */
  points: z.number(),
  /** What it was found in; the page says it in its language. */
  reason: z.object({ code: z.string(), values: z.record(z.string(), z.union([z.string(), z.number()])) }),
});
export type RiskPart = z.infer<typeof RiskPart>;

export const Risk = z.object({
  /** The sum of the points, 0 to 100. */
  score: z.number().min(0).max(100),
  parts: z.array(RiskPart),
});
export type Risk = z.infer<typeof Risk>;

/** How much an asset matters to its owner. */
export const Criticality = z.enum(['low', 'medium', 'high', 'critical']);
export type Criticality = z.infer<typeof Criticality>;

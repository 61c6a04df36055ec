// The API's shapes for coverage: the Navigator layer, what feeds which rules, and where fleet rules are blind.
import { z } from 'zod';
import { Level } from '../../platform/core/names.ts';

const Logsource = z.object({
  product: z.string().optional(),
  category: z.string().optional(),
  service: z.string().optional(),
});

export const FedLogsourceView = z.object({
  logsource: Logsource,
  /** Rules in force that ask for it. */
  rules: z.number().int(),
  /** `dataset (source)`, or `dataset (in the index)`; empty when nothing can feed it. */
  fed_by: z.array(z.string()),
});

export const UnfedRuleView = z.object({
  id: z.string(),
  name: z.string(),
  level: Level,
  logsource: Logsource,
  /** False when not even a route names the logsource. */
  routed: z.boolean(),
});

export const BlindSpotView = z.object({
  rule: z.string(),
  rule_name: z.string(),
  site: z.string(),
  jurisdiction: z.string(),
  sight: z.enum(['partly', 'blind']),
  /** Classes of its events that do not leave the site. */
  stays: z.array(z.string()),
  /** `field: act` of what leaves changed. */
  hidden: z.array(z.string()),
});
export type BlindSpotView = z.infer<typeof BlindSpotView>;

export const CoverageQuery = z.strictObject({
  domain: z.enum(['enterprise-attack', 'ics-attack']).default('enterprise-attack'),
});

export const CoverageView = z.object({
  rules: z.number().int(),
  gated: z.number().int(),
  fed: z.number().int(),
  /** Rules whose tags name no technique. */
  untagged: z.number().int(),
  techniques: z.number().int(),
  logsources: z.array(FedLogsourceView),
  unfed: z.array(UnfedRuleView),
  blind: z.array(BlindSpotView),
  /** ATT&CK Navigator layer, format 4.5. */
  layer: z.record(z.string(), z.unknown()),
});
export type CoverageView = z.infer<typeof CoverageView>;

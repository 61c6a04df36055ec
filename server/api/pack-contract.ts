// The API's shapes for packs: what is pinned, and what an addition or update changes.
import { z } from 'zod';
import { Level } from '../../platform/core/names.ts';
import { PackName, PackSource } from '../packs/pack-source.ts';
import { RefusedRule } from './rule-contract.ts';

const LicenceView = z.object({
  /** SPDX identifier; `unknown` for a text that is none we know, `none` without a licence file. */
  id: z.string(),
  file: z.string().optional(),
  /** What rules say themselves, with how many do. */
  rules: z.record(z.string(), z.number().int()),
});

export const PackView = z.object({
  name: z.string(),
  /** `content`: a folder that the configuration names. */
  kind: z.enum(['content', 'folder', 'zip', 'git']),
  /** What alerts name as `rule.pack`. */
  hash: z.string(),
  files: z.number().int(),
  rules: z.number().int(),
  address: z.string(),
  /** `refused`: on disk is not what was pinned. */
  state: z.enum(['in force', 'refused']),
  problem: z.string().optional(),
  ref: z.string().optional(),
  paths: z.array(z.string()).optional(),
  commit: z.string().optional(),
  licence: LicenceView.optional(),
  added: z.string().optional(),
  updated: z.string().optional(),
  actor: z.string().optional(),
});
export type PackView = z.infer<typeof PackView>;
export const PackList = z.object({ packs: z.array(PackView) });
export type PackList = z.infer<typeof PackList>;

export const PackAdd = z.strictObject({
  source: PackSource,
  name: PackName.optional(),
  /** Backtest its rules from then. */
  since: z.iso.datetime().optional(),
});
export const PackUpdate = z.strictObject({
  /** Without it nothing changes. */
  apply: z.boolean().default(false),
  since: z.iso.datetime().optional(),
});

export const RuleChangeView = z.object({
  id: z.string(),
  name: z.string(),
  level: Level,
  change: z.enum(['new', 'changed', 'gone']),
  /** Over stored history, when it was asked for. */
  matches: z.number().int().optional(),
  alerts: z.number().int().optional(),
  /** What the version in force raises over the same. */
  alerts_before: z.number().int().optional(),
});
export type RuleChangeView = z.infer<typeof RuleChangeView>;

export const PackChangeView = z.object({
  name: z.string(),
  applied: z.boolean(),
  hash: z.string(),
  hash_before: z.string().optional(),
  commit: z.string().optional(),
  licence: LicenceView,
  files: z.number().int(),
  /** Links and the like that were left out. */
  skipped: z.number().int(),
  rules: z.number().int(),
  gated: z.number().int(),
  unchanged: z.number().int(),
  changes: z.array(RuleChangeView),
  preview: z.object({ from: z.string(), to: z.string(), complete: z.boolean() }).optional(),
  /** The first hundred. */
  refused: z.array(RefusedRule),
  refused_total: z.number().int(),
});
export type PackChangeView = z.infer<typeof PackChangeView>;

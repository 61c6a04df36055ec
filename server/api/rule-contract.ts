// The API's shapes for rules: what is in force, backtests, explanations, exceptions and packs.
import { z } from 'zod';
import { Level } from '../../platform/core/names.ts';

export const RuleView = z.object({
  id: z.string(),
  name: z.string(),
  level: Level,
  status: z.string().optional(),
  kind: z.enum(['plain', 'correlation']),
  scope: z.enum(['site', 'fleet']),
  tags: z.array(z.string()),
  file: z.string(),
  /** Content hashes of the rule and of its pack, hex; `pack_name` is the folder's or pack's name. */
  version: z.string(),
  pack: z.string(),
  pack_name: z.string(),
});
export type RuleView = z.infer<typeof RuleView>;

/** A rule or pipeline that is not in force, with the place of the fault in words. */
export const RefusedRule = z.object({ code: z.string(), message: z.string(), place: z.string() });
export type RefusedRule = z.infer<typeof RefusedRule>;

export const RuleList = z.object({
  rules: z.array(RuleView),
  refused: z.array(RefusedRule),
});
export type RuleList = z.infer<typeof RuleList>;

/** What a reload changed. */
export const ReloadView = z.object({
  rules: z.number().int(),
  refused: z.array(RefusedRule),
  /** Ids of rules. */
  added: z.array(z.string()),
  changed: z.array(z.string()),
  removed: z.array(z.string()),
  seconds: z.number(),
});
export type ReloadView = z.infer<typeof ReloadView>;

/** Rule files of a draft: what a client may send to be tried without being installed. */
export const MAX_DRAFT_FILES = 5_000;
export const MAX_DRAFT_RULES = 1_000;
export const DraftFile = z.strictObject({
  name: z.string().min(1).max(1_000),
  text: z.string().max(1_000_000),
});

export const BacktestRequest = z.strictObject({
  /** Inclusive; ISO 8601. */
  from: z.iso.datetime(),
  /** Exclusive; now when left out. */
  to: z.iso.datetime().optional(),
  sites: z.array(z.string().min(1).max(200)).min(1).max(1_000).optional(),
  /** Files of rules that need not be installed; without them the rules in force are run. */
  drafts: z.array(DraftFile).min(1).max(MAX_DRAFT_FILES).optional(),
  /** Only these rules, by id or name. */
  rules: z.array(z.string().min(1).max(200)).min(1).max(1_000).optional(),
  samples: z.number().int().min(0).max(100).default(3),
  /** Whether the exceptions in force hide matches, as they do live. */
  exceptions: z.boolean().default(true),
});
export type BacktestRequest = z.infer<typeof BacktestRequest>;

export const MatchSampleView = z.object({
  event: z.string(),
  timestamp: z.string(),
  site: z.string(),
  dataset: z.string(),
  summary: z.string(),
});

export const RuleTallyView = z.object({
  id: z.string(),
  name: z.string(),
  level: Level,
  kind: z.enum(['plain', 'correlation']),
  /** Rule × event; correlations have none. */
  matches: z.number().int(),
  /** Episodes: what an analyst would have seen. */
  alerts: z.number().int(),
  first: z.string().optional(),
  last: z.string().optional(),
  samples: z.array(MatchSampleView),
  /** Matches that exceptions hid, in all and by exception; in no other number. */
  suppressed: z.number().int(),
  suppressed_by: z.record(z.string(), z.number().int()),
  suppressed_samples: z.array(MatchSampleView),
});

export const BacktestView = z.object({
  from: z.string(),
  to: z.string(),
  /** False when it stopped at the bound on matches; then nothing after `reached` is in it. */
  complete: z.boolean(),
  reached: z.string().optional(),
  events: z.number().int(),
  matches: z.number().int(),
  suppressed: z.number().int(),
  /** Matches of events whose time is not known, which make no alerts. */
  undated: z.number().int(),
  rules: z.array(RuleTallyView),
  unanswered: z.array(z.string()),
  refused: z.array(RefusedRule),
  seconds: z.number(),
});
export type BacktestView = z.infer<typeof BacktestView>;

/** One line of the answer to a backtest: progress, and in the last one the result or the problem. */
export const BacktestLine = z.union([
  z.object({
    progress: z.object({
      events: z.number().int(),
      matches: z.number().int(),
      reached: z.string().optional(),
      done: z.number(),
    }),
  }),
  z.object({ result: BacktestView }),
  z.object({ problem: z.object({ code: z.string(), title: z.string(), place: z.string().optional() }) }),
]);
export type BacktestLine = z.infer<typeof BacktestLine>;

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

/** A rule in force, with what it did at this site since its records began. */
export const ListedRule = RuleView.extend({
  /** Matches that no exception hid. */
  matches: z.number().int(),
  last_match: z.string().optional(),
  /** Ids of the exceptions for it. */
  exceptions: z.array(z.string()),
});
export type ListedRule = z.infer<typeof ListedRule>;

export const RuleList = z.object({
  rules: z.array(ListedRule),
  /** Left out by the configuration's gates. */
  gated: z.array(RuleView),
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
  /** The same without the previewed exception. */
  alerts_before: z.number().int(),
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

/** A rule (in force by id or name, or a draft) and an event (of the index by id, or a document). */
export const ExplainRequest = z
  .strictObject({
    rule: z.string().min(1).max(200).optional(),
    draft: DraftFile.optional(),
    event: z.string().min(1).max(512).optional(),
    document: z.record(z.string(), z.unknown()).optional(),
  })
  .refine(({ rule, draft }) => rule !== undefined || draft !== undefined, 'say `rule` or `draft`')
  .refine(
    ({ event, document }) => (event === undefined) !== (document === undefined),
    'say either `event` or `document`',
  );
export type ExplainRequest = z.infer<typeof ExplainRequest>;

/** One line of the tree, in reading order; `depth` says under which it stands. */
export const ExplainedNodeView = z.object({
  depth: z.number().int(),
  kind: z.enum(['and', 'or', 'not', 'selection', 'item', 'constant']),
  holds: z.boolean(),
  name: z.string().optional(),
  /** After pipelines; `*` is any field. */
  field: z.string().optional(),
  linking: z.enum(['any', 'all']).optional(),
  /** What the event has there. */
  actual: z.array(z.string()).optional(),
  wanted: z.array(z.object({ test: z.string(), holds: z.boolean() })).optional(),
  /** Wanted values that are not shown. */
  more: z.number().int().optional(),
});
export type ExplainedNodeView = z.infer<typeof ExplainedNodeView>;

export const ExplanationView = z.object({
  rule: z.object({ id: z.string(), name: z.string(), level: Level }),
  matches: z.boolean(),
  /** The condition alone. */
  holds: z.boolean(),
  /** Whether the event feeds the rule's logsource. */
  fed: z.boolean(),
  logsource: z.object({
    product: z.string().optional(),
    category: z.string().optional(),
    service: z.string().optional(),
  }),
  nodes: z.array(ExplainedNodeView),
  cut: z.boolean(),
});
export type ExplanationView = z.infer<typeof ExplanationView>;

export const ExplainView = z.object({
  explanations: z.array(ExplanationView),
  refused: z.array(RefusedRule),
});
export type ExplainView = z.infer<typeof ExplainView>;
